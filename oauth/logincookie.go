package oauth

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A loginCookie identifies a browser while it logs in. Tabs that begin a login
// share the cookie if the browser has one already; otherwise each gets its own,
// under a name of its own.
type loginCookie struct {
	name   string
	secret string
	rounds int       // logins in a row after which no page was reached
	last   time.Time // when the last of them was completed
	used   string    // IDs of the states that were used, with ~ between them
}

const (
	loginTime       = 10 * time.Minute // from the redirect to the callback
	backTime        = 24 * time.Hour   // from the callback to a press of the back button
	mostUsed        = 8
	mostRounds      = 3
	roundTime       = time.Minute // two logins further apart are not in a row
	mostCookies     = 64          // how many of a request are looked at
	nameSuffixBytes = 6
)

// loginCookiePrefix is what the names of all login cookies begin with.
func (l *Login) loginCookiePrefix() string { return l.cookie + "_login_" }

func (l *Login) newLoginCookie() loginCookie {
	return loginCookie{name: l.loginCookiePrefix() + secret()[:nameSuffixBytes], secret: secret()}
}

// loginCookies returns those that the browser has sent.
func (l *Login) loginCookies(r *http.Request) []loginCookie {
	var list []loginCookie
	prefix := l.loginCookiePrefix()
	for _, cookie := range r.Cookies() {
		if !strings.HasPrefix(cookie.Name, prefix) {
			continue
		}
		if c, ok := parseLoginCookie(cookie); ok && len(list) < mostCookies {
			list = append(list, c)
		}
	}
	return list
}

// parseLoginCookie reads secret.rounds.last.used. Users may forge what follows the
// secret, which affects only their own logins.
func parseLoginCookie(cookie *http.Cookie) (loginCookie, bool) {
	parts := strings.Split(cookie.Value, ".")
	if len(parts) != 4 || len(parts[0]) != secretLength || strings.Count(parts[3], "~") >= mostUsed {
		return loginCookie{}, false
	}
	rounds, err := strconv.ParseUint(parts[1], 10, 16)
	last, err2 := strconv.ParseUint(parts[2], 10, 40)
	if err != nil || err2 != nil {
		return loginCookie{}, false
	}
	return loginCookie{cookie.Name, parts[0], int(rounds), time.Unix(int64(last), 0), parts[3]}, true
}

func (c loginCookie) value() string {
	return c.secret + "." + strconv.Itoa(c.rounds) + "." + strconv.FormatInt(max(0, c.last.Unix()), 10) + "." + c.used
}

// stateID identifies a state in a login cookie.
func stateID(state string) string {
	return base64.RawURLEncoding.EncodeToString(digest(state)[:9])
}

func (c loginCookie) hasUsed(id string) bool { return slices.Contains(strings.Split(c.used, "~"), id) }

// use returns c with one more state marked as used. If the list is full, the
// secret changes, and no earlier state is accepted any more.
func (c loginCookie) use(id string) loginCookie {
	switch {
	case c.used == "":
		c.used = id
	case strings.Count(c.used, "~")+1 < mostUsed:
		c.used += "~" + id
	default:
		c.secret, c.used = secret(), ""
	}
	return c
}

// setLoginCookie sets the cookie for the time of a login, and for longer once a
// state was used, so that the back button leads on to the page.
func (l *Login) setLoginCookie(w http.ResponseWriter, c loginCookie) {
	life := loginTime
	if c.used != "" {
		life = backTime
	}
	http.SetCookie(w, &http.Cookie{
		Name: c.name, Value: c.value(), Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: l.callback.Scheme == "https",
	})
}

// chooseLoginCookie returns the cookie for a login that begins, and whether too
// many logins of it were in a row.
func (l *Login) chooseLoginCookie(r *http.Request) (c loginCookie, looped bool) {
	c = l.newLoginCookie()
	for i, other := range l.loginCookies(r) {
		if i == 0 || other.rounds > c.rounds {
			c = other
		}
	}
	if l.cfg.Now().Sub(c.last).Abs() > roundTime {
		c.rounds, c.last = 0, time.Unix(0, 0)
	}
	return c, c.rounds >= mostRounds
}

// resetRounds sets the count of logins in a row to zero, because the browser has
// reached a page.
func (l *Login) resetRounds(w http.ResponseWriter, r *http.Request) {
	for _, c := range l.loginCookies(r) {
		if c.rounds > 0 {
			l.setWithoutRounds(w, c)
		}
	}
}

func (l *Login) setWithoutRounds(w http.ResponseWriter, c loginCookie) {
	c.rounds, c.last = 0, time.Unix(0, 0)
	l.setLoginCookie(w, c)
}
