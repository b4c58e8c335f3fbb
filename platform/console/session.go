package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

const (
	kindSession = "consolesession"
	cookieName  = "prism_console"
	// A session is over when it was not used for sessionIdle, or after sessionLife.
	sessionIdle = 30 * time.Minute
	sessionLife = 12 * time.Hour
	// sessionNoted is how exact it is kept when a session was used last.
	sessionNoted = time.Minute
)

// A session is one login of a person in one browser.
type session struct {
	Role  platform.UserRole
	Link  bool   // it came by a link, and not by a login
	Epoch string // of the user when the password was checked
	Began time.Time
	Used  time.Time

	Domain string   // that an operator has chosen
	Lang   language // that the person has chosen; "" for the browser's

	token    string // for the forms of this session
	id       string
	revision uint64
}

// person returns in whose name the session makes calls.
func (s *session) person() platform.Person {
	p := s.Role.Person()
	if p.Role == platform.OperatorRole {
		p.Domain = s.Domain
	}
	return p
}

// The ID of a session's record, and the token of its forms, follow from the cookie; it does
// not follow from them.
func derived(what, cookie string) string {
	sum := sha256.Sum256([]byte("console " + what + " " + cookie))
	return hex.EncodeToString(sum[:])
}

// errNoSession says that the browser has no session, or one that is over.
var errNoSession = errors.New("console: no session")

// session returns that of a browser's cookie, or errNoSession, and notes that it was used.
func (c *Console) session(r *http.Request) (*session, error) {
	s, err := c.knownSession(r)
	if err != nil {
		return nil, err
	}
	if now := c.cfg.Now(); now.Sub(s.Used) >= sessionNoted {
		s.Used = now
		if err := c.save(r.Context(), s); err != nil && !errors.Is(err, platform.ErrConflict) {
			return nil, err
		}
	}
	return s, nil
}

// knownSession is session for what goes on by itself, which is no use of it.
func (c *Console) knownSession(r *http.Request) (*session, error) {
	cookie, err := r.Cookie(c.cookie(r))
	if err != nil || cookie.Value == "" {
		return nil, errNoSession
	}
	s := &session{id: derived("id", cookie.Value), token: derived("form", cookie.Value)}
	if err := c.load(r.Context(), s); err != nil {
		return nil, err
	}
	if now := c.cfg.Now(); now.Sub(s.Used) >= sessionIdle || now.Sub(s.Began) >= sessionLife {
		return nil, errNoSession
	}
	return s, c.refresh(r.Context(), s)
}

// load reads the record of a session.
func (c *Console) load(ctx context.Context, s *session) error {
	record, err := c.cfg.Store.Load(ctx, kindSession, s.id)
	if errors.Is(err, platform.ErrNoRecord) {
		return errNoSession
	}
	s.revision = record.Revision
	return cmp.Or(err, json.Unmarshal(record.Value, s))
}

// refresh reads the role of the user anew. The session is over if the user has none any
// more, was disabled, or has another password; the latter two as far as the users of the
// platform tell it (platform.UserEpochs). One of a link is over where no links are given.
func (c *Console) refresh(ctx context.Context, s *session) error {
	if s.Link {
		if !c.cfg.Links {
			return errNoSession
		}
		return nil
	}
	role, err := c.cfg.Registry.Role(ctx, s.Role.Login)
	if errors.Is(err, platform.ErrNoRole) {
		return errNoSession
	}
	if err != nil {
		return err
	}
	s.Role = role
	epoch, err := c.cfg.Platform.Epoch(ctx, role.Login)
	if errors.Is(err, platform.ErrUnknownUser) || err == nil && epoch != s.Epoch {
		return errNoSession
	}
	return err
}

func (c *Console) save(ctx context.Context, s *session) error {
	text, err := json.Marshal(s)
	if err == nil {
		s.revision, err = c.cfg.Store.Save(ctx, kindSession, s.id, text, s.revision, sessionLife)
	}
	return err
}

// changeSession changes a session for good, also when requests of other tabs do so meanwhile.
func (c *Console) changeSession(ctx context.Context, s *session, change func(*session)) error {
	for range 10 {
		change(s)
		if err := c.save(ctx, s); !errors.Is(err, platform.ErrConflict) {
			return err
		}
		if err := c.load(ctx, s); err != nil {
			return err
		}
	}
	return platform.ErrConflict
}

// begin gives the browser a new session, and sends it to a page of the console.
func (c *Console) begin(w http.ResponseWriter, r *http.Request, s *session, page string) {
	if err := c.end(r); err != nil {
		c.fail(w, r, nil, err)
		return
	}
	value := strings.ToLower(rand.Text())
	s.id, s.Began, s.Used = derived("id", value), c.cfg.Now(), c.cfg.Now()
	if err := c.save(r.Context(), s); err != nil {
		c.fail(w, r, nil, err)
		return
	}
	c.setCookie(w, r, value)
	(&request{Request: r, c: c, w: w, s: s, person: s.person()}).audit("/login", nil)
	http.Redirect(w, r, c.base+"/"+page, http.StatusSeeOther)
}

// end ends the session of a browser, if there is one.
func (c *Console) end(r *http.Request) error {
	cookie, err := r.Cookie(c.cookie(r))
	if err != nil {
		return nil
	}
	return c.cfg.Store.Delete(r.Context(), kindSession, derived("id", cookie.Value))
}

// cookie returns the name of the cookie: one for each port of a host, as cookies know none.
func (c *Console) cookie(r *http.Request) string {
	caller := callerOf(r)
	if caller.Secure {
		return "__Host-" + cookieName
	}
	if _, port, err := net.SplitHostPort(caller.Host); err == nil {
		return cookieName + "_" + port
	}
	return cookieName
}

func (c *Console) setCookie(w http.ResponseWriter, r *http.Request, value string) {
	name := c.cookie(r)
	cookie := &http.Cookie{Name: name, Value: value, Path: c.base + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if strings.HasPrefix(name, "__Host-") {
		cookie.Path, cookie.Secure = "/", true
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// A loginForm is what the login page shows.
type loginForm struct {
	Alert string // the phrase that says why it is shown again
	Wait  int    // minutes, for that phrase
	Login string
	Next  string // the page to go on to, below the console's path
}

// login shows the login page, and lets in whoever has a password and a role.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	form := loginForm{Next: local(r.FormValue("next"))}
	if r.Method != http.MethodPost {
		c.show(w, r, nil, http.StatusOK, "login", form)
		return
	}
	form.Login = r.PostFormValue("login")
	user, err := c.cfg.Platform.SignIn(w, r, form.Login, r.PostFormValue("password"))
	var limited *platform.TooManyFailuresError
	var role platform.UserRole
	if err == nil {
		role, err = c.cfg.Registry.Role(r.Context(), cmp.Or(user.Login, form.Login))
	}
	status, code := http.StatusUnauthorized, ""
	switch {
	case err == nil:
		c.begin(w, r, &session{Role: role, Epoch: user.Epoch}, form.Next)
		return
	case errors.As(err, &limited):
		form.Alert, form.Wait, status = "login.too_many", int((limited.Wait+time.Minute-1)/time.Minute), http.StatusTooManyRequests
		code = "too_many_failures"
	case errors.Is(err, platform.ErrNoUsers): // which is a wrong password, too
		form.Alert, code = "login.no_users", "no_users"
	case errors.Is(err, platform.ErrWrongPassword):
		form.Alert, code = "login.wrong", "wrong_password"
	case errors.Is(err, platform.ErrNoRole):
		form.Alert, status, code = "login.no_role", http.StatusForbidden, "no_role"
	default:
		c.fail(w, r, nil, err)
		return
	}
	who := form.Login
	if code != "no_role" { // for which the password was right
		who = c.known(r, who)
	}
	c.loginRefused(r, who, code)
	c.show(w, r, nil, status, "login", form)
}

// known returns the login of somebody with a role, and "" for all else that was typed, as
// people type a password there, too.
func (c *Console) known(r *http.Request, login string) string {
	if _, err := c.cfg.Registry.Role(r.Context(), login); err != nil {
		return ""
	}
	return login
}

// local returns a path below the console's own, or "" for anything else.
func local(next string) string {
	path, _, _ := strings.Cut(next, "?")
	plain, err := url.PathUnescape(path)
	control := func(c rune) bool { return c <= ' ' || c == 0x7f }
	if err != nil || strings.HasPrefix(next, "/") || strings.ContainsFunc(next, control) || strings.ContainsAny(next, `:\`) || strings.Contains(plain, "..") {
		return ""
	}
	return next
}

// logout ends the session.
func (c *Console) logout(r *request) (string, error) {
	c.setCookie(r.w, r.Request, "")
	return "login", c.end(r.Request)
}
