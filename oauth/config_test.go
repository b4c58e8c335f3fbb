package oauth

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"github.com/shopex/prism-go"
)

const (
	sampleKey    = "buwb2lii"
	sampleSecret = "ucr72ygfutspqeuu6s36"
	sampleBack   = "https://shop.example/auth/callback"
)

func sampleClient(t testing.TB, server string) *prism.Client {
	t.Helper()
	client, err := prism.New(prism.Config{Server: server, Key: sampleKey, Secret: sampleSecret, Token: "users-own-token"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// quietSessions is a manager whose store has no goroutine.
func quietSessions() *scs.SessionManager {
	return &scs.SessionManager{Lifetime: time.Hour, Store: memstore.NewWithCleanupInterval(0), Codec: scs.GobCodec{}, Cookie: scs.SessionCookie{Name: "session"}}
}

func TestConfigThatCannotWorkIsRefusedWithAdvice(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no callback":          {func(c *Config) { c.CallbackURL = "" }, "CallbackURL is empty: give"},
		"a path":               {func(c *Config) { c.CallbackURL = "/auth/callback" }, "not absolute"},
		"no scheme":            {func(c *Config) { c.CallbackURL = "shop.example/auth/callback" }, "not absolute"},
		"no host":              {func(c *Config) { c.CallbackURL = "https:///auth/callback" }, "not absolute"},
		"only a port":          {func(c *Config) { c.CallbackURL = "http://:8080/auth/callback" }, "not absolute"},
		"another scheme":       {func(c *Config) { c.CallbackURL = "ftp://shop.example/auth" }, "not absolute"},
		"a script":             {func(c *Config) { c.CallbackURL = "javascript:alert(1)" }, "not absolute"},
		"no URL":               {func(c *Config) { c.CallbackURL = "https://joe:hush@shop.example:x/auth" }, "not a URL"},
		"a password":           {func(c *Config) { c.CallbackURL = "https://joe:hush@shop.example/auth" }, "password"},
		"a fragment":           {func(c *Config) { c.CallbackURL = sampleBack + "#x" }, "fragment"},
		"an empty fragment":    {func(c *Config) { c.CallbackURL = sampleBack + "#" }, "fragment"},
		"the root":             {func(c *Config) { c.CallbackURL = "https://shop.example/" }, "no path of its own"},
		"no path":              {func(c *Config) { c.CallbackURL = "https://shop.example" }, "no path of its own"},
		"dots":                 {func(c *Config) { c.CallbackURL = "https://shop.example/a/../auth" }, "plain path"},
		"slashes":              {func(c *Config) { c.CallbackURL = "https://shop.example/a//auth" }, "plain path"},
		"login to elsewhere":   {func(c *Config) { c.AfterLogin = "https://evil.example/" }, "AfterLogin must be a path"},
		"login to a host":      {func(c *Config) { c.AfterLogin = "//evil.example/" }, "AfterLogin must be a path"},
		"login to a backslash": {func(c *Config) { c.AfterLogin = `/\evil.example/` }, "AfterLogin must be a path"},
		"login to no path":     {func(c *Config) { c.AfterLogin = "start" }, "AfterLogin must be a path"},
		"login to two lines":   {func(c *Config) { c.AfterLogin = "/start\r\nX-Evil: 1" }, "AfterLogin must be a path"},
		"login to callback":    {func(c *Config) { c.AfterLogin = "/auth/callback?x=1" }, "AfterLogin is the path of"},
		"logout to a host":     {func(c *Config) { c.AfterLogout = "//evil.example/" }, "AfterLogout must be a path"},
		"logout to callback":   {func(c *Config) { c.AfterLogout = "/auth/callback" }, "AfterLogout is the path of"},
		"negative ahead":       {func(c *Config) { c.RefreshAhead = -1 }, "RefreshAhead is negative"},
		"negative check":       {func(c *Config) { c.CheckEvery = -time.Second }, "use CheckNever"},
		"unknown choice":       {func(c *Config) { c.Outage = 3 }, "Outage is 3"},
		"empty sessions":       {func(c *Config) { c.Sessions = &scs.SessionManager{} }, "scs.New"},
		"sessions without life": {func(c *Config) {
			c.Sessions = quietSessions()
			c.Sessions.Lifetime = 0
		}, "Lifetime"},
		"secure over http": {func(c *Config) {
			c.CallbackURL, c.Sessions = "http://shop.example/auth", quietSessions()
			c.Sessions.Cookie.Secure = true
		}, "use https"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{CallbackURL: sampleBack}
			row.change(&cfg)
			_, err := New(sampleClient(t, "https://example.com/api"), cfg)
			if err == nil || !strings.HasPrefix(err.Error(), "oauth: Config.") || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v, want %q", err, row.want)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
	if _, err := New(nil, Config{CallbackURL: sampleBack}); err == nil || !strings.Contains(err.Error(), "prism.New") {
		t.Errorf("without a client: %v", err)
	}
}

func TestConfigThatWorksIsTaken(t *testing.T) {
	for _, cfg := range []Config{
		{CallbackURL: sampleBack},
		{CallbackURL: "http://127.0.0.1:8080/callback"},
		{CallbackURL: "http://[::1]:8080/callback/"},
		{CallbackURL: "https://shop.example/auth?site=7"},
		{CallbackURL: "https://shop.example/%E5%95%86%E5%BA%97", AfterLogin: "/start?x=1#top", AfterLogout: "/bye/"},
		{CallbackURL: sampleBack, CheckEvery: CheckNever, Outage: OutageRefusesRequest},
		{CallbackURL: sampleBack, Sessions: quietSessions()},
	} {
		if _, err := New(sampleClient(t, "https://example.com/api"), cfg); err != nil {
			t.Errorf("%s: %v", cfg.CallbackURL, err)
		}
	}
}

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	l := newLogin(t, "https://example.com/api", Config{CallbackURL: sampleBack})
	if c := l.cfg; c.AfterLogin != "/" || c.AfterLogout != "/" || c.RefreshAhead != time.Minute || c.CheckEvery != time.Minute || c.Now == nil {
		t.Errorf("got %+v", c)
	}
	if l.sessions.Lifetime != 24*time.Hour {
		t.Errorf("sessions live for %v", l.sessions.Lifetime)
	}
}

func TestClientWithoutALoggerLogsNothing(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)
	l := newLogin(t, "https://example.com/api", Config{CallbackURL: sampleBack})
	l.report(httptest.NewRequest("GET", "/", nil), &LoginError{Reason: ReasonStoreFailed, Err: errStore})
	if logged.Len() > 0 {
		t.Errorf("logged %s", &logged)
	}
}

func newLogin(t testing.TB, server string, cfg Config) *Login {
	t.Helper()
	l, err := New(sampleClient(t, server), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func TestSessionCookieIsHiddenFromScriptsAndOtherSites(t *testing.T) {
	given := quietSessions()
	given.Cookie.SameSite = http.SameSiteNoneMode
	for _, sessions := range []*scs.SessionManager{nil, given} {
		for back, secure := range map[string]bool{"http://127.0.0.1/callback": false, sampleBack: true} {
			cookie := newLogin(t, "https://example.com/api", Config{CallbackURL: back, Sessions: sessions}).sessions.Cookie
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || sessions == nil && cookie.Secure != secure || secure && !cookie.Secure {
				t.Errorf("%s: %+v", back, cookie)
			}
			given.Cookie.Secure = false
		}
	}
}
