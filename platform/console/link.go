package console

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/shopex/prism-go/platform"
)

// linkLife is how long a link may be opened.
const linkLife = 24 * time.Hour

// mostLinks bounds the links that may be opened at a time: the oldest is good no more.
const mostLinks = 16

// links are those that were given out and not opened yet.
type links struct {
	mu   sync.Mutex
	open []link
}

type link struct {
	hash [sha256.Size]byte
	made time.Time
}

// Link returns the path and query of an address that lets whoever opens it first, within
// a day, in as the operator. It is for the operator's own screen.
func (c *Console) Link() string {
	secret := strings.ToLower(rand.Text())
	c.links.mu.Lock()
	defer c.links.mu.Unlock()
	l := &c.links
	if len(l.open) >= mostLinks {
		l.open = l.open[1:]
	}
	l.open = append(l.open, link{sha256.Sum256([]byte(secret)), c.cfg.Now()})
	return c.base + "/enter?link=" + secret
}

// take reports whether secret is that of a link that may be opened, which it may not be
// again.
func (l *links) take(secret string, now time.Time) bool {
	hash := sha256.Sum256([]byte(secret))
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, known := range l.open {
		if subtle.ConstantTimeCompare(hash[:], known.hash[:]) == 1 {
			l.open = append(l.open[:i:i], l.open[i+1:]...)
			return now.Sub(known.made) < linkLife
		}
	}
	return false
}

// linkPerson is whom a link lets in.
var linkPerson = platform.UserRole{Login: "operator", Role: platform.OperatorRole}

// enterByLink shows a button, as programs that look at links must not use them up; and lets
// in who presses it.
func (c *Console) enterByLink(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		c.show(w, r, nil, http.StatusOK, "enter", map[string]string{"Link": r.URL.Query().Get("link")})
		return
	}
	if !c.links.take(r.PostFormValue("link"), c.cfg.Now()) {
		c.loginRefused(r, "", "link_used")
		c.show(w, r, nil, http.StatusForbidden, "login", loginForm{Alert: "login.link_used"})
		return
	}
	c.begin(w, r, &session{Role: linkPerson, Link: true}, "")
}
