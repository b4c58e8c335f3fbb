package prism

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/sign"
)

func TestMain(m *testing.M) { leak.Main(m) }

// The public sample of the documentation.
const (
	testKey    = "buwb2lii"
	testSecret = "ucr72ygfutspqeuu6s36"
)

// seen is a request as it came to the server.
type seen struct {
	Method, URI string
	Path        string
	Header      http.Header
	Query, Form url.Values
	Body        string
	Verified    bool
}

// system reads a system parameter from where it was sent.
func (s seen) system(name string) string { return s.Query.Get(name) + s.Form.Get(name) }

// server answers with whatever answer writes and keeps the requests.
type server struct {
	*httptest.Server
	mu   sync.Mutex // guards list
	list []seen
}

func newServer(t testing.TB, answer http.HandlerFunc) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.keep(t, r)
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) keep(t testing.TB, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Errorf("reading the request: %v", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Errorf("form %q: %v", body, err)
	}
	one := seen{Method: r.Method, URI: r.RequestURI, Path: r.URL.Path, Header: r.Header, Query: r.URL.Query(), Form: form, Body: string(body)}
	one.Verified = sign.Verify(testSecret, sign.Request{
		Method: r.Method, Path: r.URL.Path, Header: r.Header, Query: one.Query, Form: form,
	}, one.system("sign"))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, one)
}

func (s *server) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.list...)
}

// only returns the one request that came.
func (s *server) only(t testing.TB) seen {
	t.Helper()
	list := s.requests()
	if len(list) != 1 {
		t.Fatalf("the server saw %d requests, want 1", len(list))
	}
	return list[0]
}

func ok(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"result":true,"error":null}`) }

// answer returns a handler for a fixed status and body.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// correcting refuses the time of the first try by a clock that is ahead, and leaves the
// second to then.
func correcting(ahead time.Duration, then http.HandlerFunc) http.HandlerFunc {
	tries := 0
	return func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries == 2 {
			then(w, r)
			return
		}
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		answer(401, `{"result":null,"error":{"code":"sign_time_expired","message":"m"}}`)(w, r)
	}
}

// corrected expects two tries with signatures of their own, of which the second is right.
func (s *server) corrected(t *testing.T) {
	t.Helper()
	if list := s.requests(); len(list) != 2 || list[0].system("sign") == list[1].system("sign") || !list[1].Verified {
		t.Errorf("the tries were %+v", list)
	}
}

// silent is a server that never answers.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// newClient returns a client for server/api with settings changed by change.
func newClient(t testing.TB, server string, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Server: server + "/api", Key: testKey, Secret: testSecret}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// roundTrip is a RoundTripper without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reply makes an answer for a roundTrip.
func reply(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, ContentLength: -1, Body: io.NopCloser(strings.NewReader(body))}
}

func over(rt roundTrip) func(*Config) {
	return func(c *Config) { c.HTTPClient = &http.Client{Transport: rt} }
}

// logBook keeps log records as text.
type logBook struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBook) into(c *Config) {
	c.Logger = slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func wantMatch(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("got %q, want it to say %q", got, want)
	}
}

var background = context.Background()
