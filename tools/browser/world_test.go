package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alexedwards/scs/v2"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/oauth"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// newPlatform has two users.
func newPlatform(t *testing.T) *prismtest.Server {
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "u1", Login: "lin", Data: map[string]string{"shop": "7"}}, "open sesame")
	srv.AddUser(platform.User{ID: "u2", Login: "guo"}, "open barley")
	return srv
}

// A shop is an application with everything behind the login.
type shop struct {
	url      string // of its first page
	login    *oauth.Login
	sessions *scs.SessionManager // nil for those of login

	mu       sync.Mutex // guards failures
	failures []oauth.Reason
}

// openShop serves a shop on host, which is a name of this machine. Its client
// is the one to the platform.
func openShop(t *testing.T, srv *prismtest.Server, client *prism.Client, host string) *shop {
	t.Helper()
	return openShopOver(t, srv, client, host, nil)
}

// openShopOver is openShop for one that keeps carts in the sessions, also those
// of people that it does not know.
func openShopOver(t *testing.T, srv *prismtest.Server, client *prism.Client, host string, sessions *scs.SessionManager) *shop {
	t.Helper()
	s := &shop{sessions: sessions}
	s.url = at(srv.Site(s), host) + "/"
	srv.AllowRedirect(s.url, s.url+"callback")
	var err error
	s.login, err = oauth.New(client, oauth.Config{CallbackURL: s.url + "callback", Sessions: sessions, OnError: s.failed, Now: srv.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.login.Close)
	return s
}

// ServeHTTP is no http.ServeMux, which would clean strange paths.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/logout":
		s.login.Logout().ServeHTTP(w, r)
	case "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	case "/cart":
		s.sessions.LoadAndSave(http.HandlerFunc(s.fillCart)).ServeHTTP(w, r)
	default:
		s.login.Require(http.HandlerFunc(page)).ServeHTTP(w, r)
	}
}

// fillCart is for everybody.
func (s *shop) fillCart(w http.ResponseWriter, r *http.Request) {
	n := s.sessions.GetInt(r.Context(), "cart") + 1
	s.sessions.Put(r.Context(), "cart", n)
	fmt.Fprintf(w, "%d in the cart", n)
}

// at is the address of a site under another name.
func at(site, host string) string { return strings.Replace(site, "127.0.0.1", host, 1) }

func (s *shop) failed(_ *http.Request, err error) {
	var failure *oauth.LoginError
	if errors.As(err, &failure) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failures = append(s.failures, failure.Reason)
	}
}

// mustHaveFailed wants the newest failed login to have this reason.
func (s *shop) mustHaveFailed(t *testing.T, reason oauth.Reason) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) == 0 || s.failures[len(s.failures)-1] != reason {
		t.Errorf("failures %q, want %q at last", s.failures, reason)
	}
	s.failures = nil
}

// page greets the user, shows what the platform says of the same user, and has
// the way out.
func page(w http.ResponseWriter, r *http.Request) {
	res, err := oauth.UserClient(r.Context()).Get(r.Context(), "platform/oauth/user", nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	var me map[string]string
	if err := res.Decode(&me); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	user := oauth.User(r.Context())
	text, _ := json.Marshal(me)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Shop</title><h1>hello %s</h1><p>page %s</p><p>the platform says %s</p>
		<form method="post" action="/logout"><button>Sign out</button></form>`,
		html.EscapeString(user.Login), html.EscapeString(r.URL.String()), html.EscapeString(string(text)))
}

// An evil site has pages of an attacker, and counts who comes.
type evilSite struct {
	url   string
	pages sync.Map // path to HTML
	hits  atomic.Int64
}

func openEvilSite(srv *prismtest.Server, host string) *evilSite {
	e := &evilSite{}
	e.url = at(srv.Site(e), host)
	return e
}

func (e *evilSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	html, ok := e.pages.Load(r.URL.Path)
	if !ok {
		e.hits.Add(1)
		html = "<title>evil</title>gotcha"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, html.(string))
}

// put adds a page and returns its address. Who comes there is not counted.
func (e *evilSite) put(path, html string) string {
	e.pages.Store(path, "<!doctype html><title>evil</title>"+html)
	e.pages.Store("/favicon.ico", "")
	return e.url + path
}

// postTo is a form that goes to an address.
func postTo(address string) string {
	return fmt.Sprintf(`<form method="post" action="%s"><button>Win a prize</button></form>`, html.EscapeString(address))
}

// oauthURL is the address of one of the platform's pages.
func oauthURL(srv *prismtest.Server, name string, query url.Values) string {
	return srv.Client().OAuth().Server().JoinPath(name).String() + "?" + query.Encode()
}
