package console_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/console"
	"github.com/shopex/prism-go/platform/memory"
)

// A site is a platform with a console, on a socket.
type site struct {
	*testing.T
	platform *platform.Platform
	console  *console.Console
	registry *platform.Registry
	url      string // without the path of the console
	logged   *logged
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// adminKey administers the domain default, and shopKey publishes and listens.
var (
	adminKey = platform.Key{ID: "chief", Secret: "secret-of-chief-1", App: "ops", Admin: true}
	shopKey  = platform.Key{ID: "shop-key", Secret: "secret-of-shop-16", App: "shop", Bindings: []platform.Binding{{Pattern: "order.#"}}}
)

func newSite(t *testing.T, change ...func(*platform.Config)) *site {
	t.Helper()
	store, err := memory.NewStore(adminKey, shopKey)
	if err != nil {
		t.Fatal(err)
	}
	registry := platform.NewRegistry(store)
	registry.Iterations = platform.MinIterations
	s := &site{T: t, registry: registry, logged: new(logged)}
	cfg := platform.Config{
		Store: store, Queues: memory.New(memory.Config{}), Users: registry, Explain: true,
		Logger:  slog.New(slog.NewTextHandler(s.logged, nil)),
		Gateway: platform.Gateway{Loopback: true},
	}
	for _, f := range change {
		f(&cfg)
	}
	if s.platform, err = platform.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := s.platform.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.console, err = console.New(console.Config{Platform: s.platform, Store: cfg.Store, Registry: registry, Links: true, APIBase: cfg.BasePath, Now: cfg.Now, Logger: cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.console.Mount(s.platform))
	s.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := s.platform.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return s
}

// A browser keeps cookies, and follows no redirects by itself.
type browser struct {
	*site
	client *http.Client
	lang   string
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	transport := new(http.Transport)
	s.Cleanup(transport.CloseIdleConnections)
	return &browser{site: s, lang: "en", client: &http.Client{
		Transport: transport, Jar: jar, Timeout: patience.Of(10 * time.Second),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// operator is a browser that a link has let in.
func (s *site) operator() *browser {
	s.Helper()
	b := s.browser()
	link, err := url.Parse(s.console.Link())
	if err != nil {
		s.Fatal(err)
	}
	if got := b.send("POST", "/enter", link.Query()); got.status != http.StatusSeeOther {
		s.Fatalf("the link was answered with %d: %s", got.status, got.body)
	}
	return b
}

// user is a browser of a user with a role, who has logged in.
func (s *site) user(role platform.UserRole) *browser {
	s.Helper()
	const password = "a-long-password"
	hash, err := platform.HashPassword(password, platform.MinIterations)
	if err != nil {
		s.Fatal(err)
	}
	if err := s.registry.SaveUser(s.Context(), platform.User{ID: role.Login, Login: role.Login}, hash); err != nil {
		s.Fatal(err)
	}
	if err := s.registry.SaveRole(s.Context(), role); err != nil {
		s.Fatal(err)
	}
	b := s.browser()
	if got := b.send("POST", "/login", url.Values{"login": {role.Login}, "password": {password}}); got.status != http.StatusSeeOther {
		s.Fatalf("the login was answered with %d: %s", got.status, got.body)
	}
	return b
}

// A got is an answer.
type got struct {
	status int
	header http.Header
	body   string
}

// send sends a request to a page of the console: path is below its own. The form gets the
// token of the session if there is one.
func (b *browser) send(method, path string, form url.Values, header ...string) got {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+b.console.Base()+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Language", b.lang)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return b.do(req)
}

func (b *browser) do(req *http.Request) got {
	b.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return got{resp.StatusCode, resp.Header, string(body)}
}

// get returns a page, which has to be there.
func (b *browser) get(path string) string {
	b.Helper()
	got := b.send("GET", path, nil)
	if got.status != http.StatusOK {
		b.Fatalf("GET %s: %d: %s", path, got.status, got.body)
	}
	return got.body
}

// json decodes a page's JSON.
func (b *browser) json(path string, into any) {
	b.Helper()
	got := b.send("GET", path, nil, "Accept", "application/json")
	if got.status != http.StatusOK {
		b.Fatalf("GET %s: %d: %s", path, got.status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), into); err != nil {
		b.Fatalf("GET %s: %v in %s", path, err, got.body)
	}
}

var tokenField = regexp.MustCompile(`name="token" value="([0-9a-f]{64})"`)

// post sends a form as a page of the session would.
func (b *browser) post(path string, form url.Values, header ...string) got {
	b.Helper()
	token := tokenField.FindStringSubmatch(b.get("/"))
	if token == nil {
		b.Fatal("the overview has no form")
	}
	with := url.Values{"token": {token[1]}}
	for name, values := range form {
		with[name] = values
	}
	return b.send("POST", path, with, header...)
}
