package oauth

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A mark is the cookie by which a browser is known while it logs in. Tabs that
// begin at the same time share it if there is one already; otherwise each gets
// its own, under a name of its own.
type mark struct {
	name   string // of the cookie
	secret string
	rounds int       // logins in a row after which no page was reached
	last   time.Time // when the last of them was completed
	used   string    // usedIDs of its states, with ~ between them
}

const (
	loginTime   = 10 * time.Minute // from the redirect to the callback
	backTime    = 24 * time.Hour   // from the callback to the back button
	mostUsed    = 8
	mostRounds  = 3
	roundTime   = time.Minute // more between two logins, and they are not in a row
	mostMarks   = 64          // of a request that are looked at
	markNameEnd = 6
)

// markName is what the names of all marks begin with.
func (l *Login) markName() string { return l.cookie + "_login_" }

func (l *Login) newMark() mark {
	return mark{name: l.markName() + secret()[:markNameEnd], secret: secret()}
}

// marks returns those that the browser has sent.
func (l *Login) marks(r *http.Request) []mark {
	var marks []mark
	name := l.markName()
	for _, cookie := range r.Cookies() {
		if !strings.HasPrefix(cookie.Name, name) {
			continue
		}
		if m, ok := parseMark(cookie); ok && len(marks) < mostMarks {
			marks = append(marks, m)
		}
	}
	return marks
}

// parseMark reads secret.rounds.last.used. The browser's owner may have made up
// what follows the secret, which concerns nobody else's logins.
func parseMark(cookie *http.Cookie) (mark, bool) {
	parts := strings.Split(cookie.Value, ".")
	if len(parts) != 4 || len(parts[0]) != secretLength || strings.Count(parts[3], "~") >= mostUsed {
		return mark{}, false
	}
	rounds, err := strconv.ParseUint(parts[1], 10, 16)
	last, err2 := strconv.ParseUint(parts[2], 10, 40)
	if err != nil || err2 != nil {
		return mark{}, false
	}
	return mark{cookie.Name, parts[0], int(rounds), time.Unix(int64(last), 0), parts[3]}, true
}

func (m mark) value() string {
	return m.secret + "." + strconv.Itoa(m.rounds) + "." + strconv.FormatInt(max(0, m.last.Unix()), 10) + "." + m.used
}

// usedID names a state in a mark.
func usedID(state string) string {
	return base64.RawURLEncoding.EncodeToString(digest(state)[:9])
}

func (m mark) hasUsed(id string) bool { return slices.Contains(strings.Split(m.used, "~"), id) }

// use returns m with one more state that is used. When there is no room for it
// the secret changes, so that no state works any more that was begun before.
func (m mark) use(id string) mark {
	switch {
	case m.used == "":
		m.used = id
	case strings.Count(m.used, "~")+1 < mostUsed:
		m.used += "~" + id
	default:
		m.secret, m.used = secret(), ""
	}
	return m
}

// setMark gives the browser m: for the time of a login, and for longer once it
// was used, so that a way back leads on to the page.
func (l *Login) setMark(w http.ResponseWriter, m mark) {
	life := loginTime
	if m.used != "" {
		life = backTime
	}
	http.SetCookie(w, &http.Cookie{
		Name: m.name, Value: m.value(), Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: l.callback.Scheme == "https",
	})
}

// choose returns the mark for a login that begins, and whether there were too
// many in a row.
func (l *Login) choose(r *http.Request) (m mark, loops bool) {
	m = l.newMark()
	for i, other := range l.marks(r) {
		if i == 0 || other.rounds > m.rounds {
			m = other
		}
	}
	if l.cfg.Now().Sub(m.last).Abs() > roundTime {
		m.rounds, m.last = 0, time.Unix(0, 0)
	}
	return m, m.rounds >= mostRounds
}

// restart begins to count anew.
func (l *Login) restart(w http.ResponseWriter, m mark) {
	m.rounds, m.last = 0, time.Unix(0, 0)
	l.setMark(w, m)
}

// arrived tells the guard that a page was reached: the logins so far did their
// work.
func (l *Login) arrived(w http.ResponseWriter, r *http.Request) {
	for _, m := range l.marks(r) {
		if m.rounds > 0 {
			l.restart(w, m)
		}
	}
}
