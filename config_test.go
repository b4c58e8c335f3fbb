package prism

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	set := func(f func(*Config)) Config {
		c := Config{Server: "https://example.com/api", Key: testKey, Secret: testSecret}
		f(&c)
		return c
	}
	server := func(s string) Config { return set(func(c *Config) { c.Server = s }) }
	for _, row := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no server", server(""), "Server is empty"},
		{"no scheme", server("example.com/api"), "must begin with https:// or http://"},
		{"scheme of a path", server("localhost:8080/api"), "must begin with https:// or http://"},
		{"other scheme", server("ftp://example.com"), "must begin with https:// or http://"},
		{"websocket", server("wss://example.com/api"), "WebSocket"},
		{"no host", server("https:///api"), "no host"},
		{"port alone", server("https://:443/api"), "no host"},
		{"query", server("https://example.com/api?x=1"), "query"},
		{"empty query", server("https://example.com/api?"), "query"},
		{"fragment", server("https://example.com/api#x"), "fragment"},
		{"user", server("https://joe:pass-word@example.com/api"), "user name or password"},
		{"broken, with a password", server("https://joe:pass-word@example.com:port/api"), "not a URL"},
		{"dots", server("https://example.com/api/../x"), "segment"},
		{"control character", server("https://example.com/a\npi"), "a line break"},
		{"no key", set(func(c *Config) { c.Key = "" }), "Key is empty"},
		{"no secret", set(func(c *Config) { c.Secret = "" }), "Secret is empty"},
		{"line break in secret", set(func(c *Config) { c.Secret += "\n" }), "Secret has white space or an invisible character at byte 20"},
		{"space in key", set(func(c *Config) { c.Key = " " + c.Key }), "Key has white space"},
		{"bearer token", set(func(c *Config) { c.Token = "Bearer hush-hush" }), "token has a character at byte 6"},
		{"timeout", set(func(c *Config) { c.Timeout = -1 }), "Timeout is negative"},
		{"body", set(func(c *Config) { c.MaxBody = -1 }), "MaxBody is negative"},
		{"tries", set(func(c *Config) { c.Retry.Tries = -1 }), "Retry.Tries is negative"},
		{"within", set(func(c *Config) { c.Retry.Within = -1 }), "Retry.Within is negative"},
		{"min", set(func(c *Config) { c.Retry.Min = -1 }), "Retry.Min is negative"},
		{"max", set(func(c *Config) { c.Retry.Max = -1 }), "Retry.Max is negative"},
		{"min above max", set(func(c *Config) { c.Retry = Retry{Min: 2, Max: 1} }), "above Max"},
		{"secret in clear", set(func(c *Config) { c.SecretMode, c.Server = true, "http://example.com/api" }), "use https"},
		{"secret in clear to a look-alike", set(func(c *Config) { c.SecretMode, c.Server = true, "http://127.0.0.1.example.com/api" }), "use https"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := New(row.cfg)
			if err == nil {
				t.Fatal("no error")
			}
			wantMatch(t, err.Error(), row.want)
			for _, hidden := range []string{testSecret, "pass-word", "hush-hush"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("the error shows %q: %v", hidden, err)
				}
			}
			if !strings.HasPrefix(err.Error(), "prism: ") {
				t.Errorf("got %q, want it to begin with prism:", err)
			}
		})
	}
}

func TestNewAcceptsWhatCanWork(t *testing.T) {
	for _, row := range []struct {
		server string
		secret bool
	}{
		{"http://example.com", false},
		{"https://example.com/", false},
		{"https://example.com:8443/api-sandbox//", true},
		{"http://127.0.0.1:8080/api", true},
		{"http://[::1]/api", true},
		{"http://localhost/api", true},
		{"https://example.com/%E5%95%86/api", false},
	} {
		if _, err := New(Config{Server: row.server, Key: testKey, Secret: testSecret, SecretMode: row.secret}); err != nil {
			t.Errorf("%s: %v", row.server, err)
		}
	}
}

func TestRetryBoundsFillEachOther(t *testing.T) {
	for _, row := range []struct{ given, want Retry }{
		{Retry{}, Retry{3, 10 * time.Second, 200 * time.Millisecond, 5 * time.Second}},
		{Retry{Min: time.Minute}, Retry{3, 10 * time.Second, time.Minute, time.Minute}},
		{Retry{Max: time.Millisecond}, Retry{3, 10 * time.Second, time.Millisecond, time.Millisecond}},
		{Retry{1, 2, 3, 4}, Retry{1, 2, 3, 4}},
	} {
		c := Config{Retry: row.given}
		if c.setDefaults(); c.Retry != row.want {
			t.Errorf("%+v becomes %+v, want %+v", row.given, c.Retry, row.want)
		}
	}
}

func TestUsersHTTPClientIsLeftAlone(t *testing.T) {
	s := newServer(t, ok)
	mine := &http.Client{}
	c := newClient(t, s.URL, func(c *Config) { c.HTTPClient = mine })
	if _, err := c.Get(background, "x", nil); err != nil {
		t.Fatal(err)
	}
	if mine.CheckRedirect != nil || mine.Transport != nil || mine.Timeout != 0 {
		t.Errorf("the client was changed: %+v", mine)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestDefaultTransportIsProxiedAndVerified(t *testing.T) {
	tr := newTransport().(*http.Transport)
	if tr.Proxy == nil || tr.TLSClientConfig != nil && tr.TLSClientConfig.InsecureSkipVerify {
		t.Error("no proxy from the environment, or no verification of TLS")
	}
	if tr == http.DefaultTransport || tr.MaxIdleConnsPerHost < 10 {
		t.Error("the default transport itself is used, or keeps few connections")
	}
}

func TestSecretIsInNoPrint(t *testing.T) {
	c := newClient(t, "https://example.com", func(c *Config) { c.Token = "hush-hush" })
	var book logBook
	var cfg Config
	book.into(&cfg)
	cfg.Logger.Info("json too", "client", c, "config", c.cfg)
	slog.New(slog.NewJSONHandler(&book, nil)).Info("x", "client", c, "config", c.cfg)
	for _, text := range []string{
		book.String(), fmt.Sprint(c, c.cfg, &c.cfg), fmt.Sprintf("%+v %+v", c, c.cfg), fmt.Sprintf("%#v %#v", c, c.cfg),
	} {
		if strings.Contains(text, testSecret) || strings.Contains(text, "hush-hush") {
			t.Errorf("a secret is printed: %s", text)
		}
		wantMatch(t, text, testKey)
	}
}

func TestAServerThatIsNoURLDoesNotShowAPassword(t *testing.T) {
	for _, server := range []string{"http://user:SECRET/x@127.0.0.1/", "http://user:SECRET%zz@h/", "http://user:SECRET,x@h:y/", "http://user:SEC RET@h/"} {
		_, err := New(Config{Server: server, Key: "k", Secret: "s"})
		if err == nil || strings.Contains(err.Error(), "SEC") {
			t.Errorf("%s: %v", server, err)
		}
	}
}

func TestWhatNobodySeesIsRefusedByItsName(t *testing.T) {
	for hidden, name := range map[string]string{
		"\ufeff": "byte order mark", "\u200b": "zero width space", "\u00ad": "soft hyphen", "\u202e": "right-to-left override",
		"\n": "a line break", " ": "a blank", "\u2060": "U+2060", "\xff": "not UTF-8",
	} {
		for field, cfg := range map[string]Config{
			"Key":    {Server: "http://127.0.0.1/api", Key: hidden + "key", Secret: "secret"},
			"Secret": {Server: "http://127.0.0.1/api", Key: "key", Secret: "sec" + hidden + "ret"},
			"Server": {Server: "http://127.0.0.1/a" + hidden + "pi", Key: "key", Secret: "secret"},
		} {
			_, err := New(cfg)
			if err == nil || !strings.Contains(err.Error(), "Config."+field) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s with %q: %v", field, hidden, err)
			}
		}
	}
}

func TestACallWithoutAClientIsRefused(t *testing.T) {
	var c *Client
	if _, err := c.Get(background, "x", nil); err != errNoClient {
		t.Error(err)
	}
	if _, err := c.Upgrade(background, "x", nil); err != errNoClient {
		t.Error(err)
	}
}
