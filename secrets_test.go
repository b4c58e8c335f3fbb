package prism

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/escape"
)

const testToken = "tok/en+with=signs"

// Each way to fail, by a server or a transport that repeats all it was told.
// Whatever the client says and logs must not show it.
func TestSecretsAreInNoErrorAndNoRecord(t *testing.T) {
	var sent []string // query and form of each request
	echo := func(r *http.Request) string {
		body := ""
		if r.Body != nil {
			b, _ := io.ReadAll(r.Body)
			body = string(b)
		}
		sent = append(sent, r.URL.RawQuery, body)
		shown, _ := url.QueryUnescape(r.URL.RawQuery + body)
		return "secret " + testSecret + " " + r.Header.Get("Authorization") + " " + shown + " " + string(escape.Append(nil, shown)) +
			" escaped " + string(escape.Append(nil, r.Header.Get("Authorization"))) + " " + r.URL.String()
	}
	envelope := func(text string) string {
		return fmt.Sprintf(`{"result":null,"error":{"code":%q,"message":%q,"data":{"x":%q},"exception":%q}}`, text, text, text, text)
	}
	for name, rt := range map[string]roundTrip{
		"envelope": func(r *http.Request) (*http.Response, error) {
			return reply(200, envelope(echo(r)), "X-Request-Id", testSecret), nil
		},
		"401": func(r *http.Request) (*http.Response, error) { return reply(401, envelope(echo(r))), nil },
		"429": func(r *http.Request) (*http.Response, error) { return reply(429, envelope(echo(r))), nil },
		"matrix": func(r *http.Request) (*http.Response, error) {
			return reply(200, fmt.Sprintf(`{"rsp":"fail","res":%q}`, echo(r))), nil
		},
		"text": func(r *http.Request) (*http.Response, error) { echo(r); return reply(500, testSecret+" is wrong"), nil },
		"redirect": func(r *http.Request) (*http.Response, error) {
			echo(r)
			return reply(302, "", "Location", "http://joe:"+testSecret+"@x/"+testSecret+"?"+r.URL.RawQuery+"#"+testSecret), nil
		},
		"bad redirect": func(r *http.Request) (*http.Response, error) {
			echo(r)
			return reply(302, "", "Location", "http://%zz/?"+r.URL.RawQuery), nil
		},
		"transport": func(r *http.Request) (*http.Response, error) { return nil, errors.New(echo(r)) },
		"url.Error": func(r *http.Request) (*http.Response, error) {
			echo(r)
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: io.EOF}
		},
		"wrapped error": func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("proxy: %s: %w", echo(r), io.ErrClosedPipe)
		},
		"not to decode":  func(r *http.Request) (*http.Response, error) { return reply(200, echo(r)), nil },
		"too large":      func(r *http.Request) (*http.Response, error) { return reply(200, strings.Repeat(echo(r), 1000)), nil },
		"switch unasked": func(r *http.Request) (*http.Response, error) { echo(r); return reply(101, ""), nil },
	} {
		t.Run(name, func(t *testing.T) {
			sent = nil
			var book logBook
			c := newClient(t, "http://prism.test", over(rt), book.into, func(c *Config) {
				c.Retry.Max, c.MaxBody, c.Token = time.Nanosecond, 50000, testToken
			})
			var said strings.Builder
			for _, call := range []Call{
				{Path: "x?session_id=session-1", Repeatable: true},
				{Method: "POST", Path: "oauth/token", Params: Params{"grant_type": "authorization_code", "code": "oauth-code-1"}},
				{Method: "POST", Path: "oauth/token", Params: Params{"grant_type": "refresh_token", "refresh_token": "refresh-1"}, Repeatable: true},
			} {
				res, err := c.Do(background, call)
				if err == nil {
					err = res.Decode(&struct{}{})
				}
				spell(&said, err)
			}
			_, err := c.Upgrade(background, "x", nil)
			spell(&said, err)
			said.WriteString(book.String())
			wantHidden(t, said.String(), sent)
		})
	}
}

// spell writes all that err and what it wraps can say.
func spell(w io.Writer, err error) {
	fmt.Fprintf(w, "%v\n%+v\n%q\n", err, err, err)
	var e *Error
	if errors.As(err, &e) {
		fmt.Fprintf(w, "%#v %s\n", *e, e.Data)
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		fmt.Fprintln(w, inner)
	}
}

func wantHidden(t *testing.T, text string, sent []string) {
	t.Helper()
	forbidden := []string{testSecret, testToken, string(escape.Append(nil, testToken)), "session-1", "oauth-code-1", "refresh-1"}
	for _, encoded := range sent {
		if values, _ := url.ParseQuery(encoded); values.Has("sign") {
			forbidden = append(forbidden, values.Get("sign"))
		}
	}
	if len(forbidden) < 10 {
		t.Fatalf("only %d signatures were sent", len(forbidden)-6)
	}
	for _, word := range forbidden {
		if i := strings.Index(text, word); i >= 0 {
			t.Errorf("%q is shown: ...%s...", word, text[max(0, i-200):min(len(text), i+100)])
		}
	}
	wantMatch(t, text, "prism:")
}

func TestCauseStaysReachable(t *testing.T) {
	for name, cause := range map[string]error{
		"clean": fmt.Errorf("no route: %w", io.ErrClosedPipe),
		"dirty": fmt.Errorf("no route for %s: %w", testSecret, io.ErrClosedPipe),
	} {
		c := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) { return nil, cause }))
		if _, err := c.Get(background, "x", nil); !errors.Is(err, io.ErrClosedPipe) || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCodeOfAProductIsNotTakenForASecret(t *testing.T) {
	c := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) {
		return reply(404, `{"result":null,"error":{"code":"no_product","message":"no product SKU-1234"}}`), nil
	}))
	_, err := c.Get(background, "x", Params{"code": "SKU-1234"})
	wantMatch(t, err.Error(), "SKU-1234")
}

func TestShortTokenDoesNotBlotOutWords(t *testing.T) {
	_, err := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) {
		return reply(401, `{"result":null,"error":{"code":"sign_time_expired","message":"too late"}}`), nil
	})).WithToken("sign").Get(background, "x", nil)
	var e *Error
	if !errors.As(err, &e) || e.Code != "sign_time_expired" {
		t.Errorf("got %v", err)
	}
}

func TestLogLevels(t *testing.T) {
	for _, row := range []struct {
		name   string
		status []int
		levels string
	}{
		{"success", []int{200}, "DEBUG"},
		{"plain refusal", []int{404}, "DEBUG"},
		{"repeated", []int{429, 200}, "DEBUG WARN DEBUG"},
		{"given up", []int{429}, "DEBUG WARN DEBUG WARN DEBUG ERROR"},
		{"server in trouble", []int{500}, "DEBUG ERROR"},
	} {
		var book logBook
		tries := 0
		c := newClient(t, "http://prism.test", book.into, func(c *Config) { c.Retry.Max = time.Nanosecond }, over(func(*http.Request) (*http.Response, error) {
			tries++
			return reply(row.status[min(tries, len(row.status))-1], "", "X-Request-Id", "req-1"), nil
		}))
		c.Get(background, "a/b?c=value-1", Params{"d": "value-2"})
		var levels []string
		for _, line := range strings.Split(strings.TrimSpace(book.String()), "\n") {
			_, after, _ := strings.Cut(line, "level=")
			level, _, _ := strings.Cut(after, " ")
			levels = append(levels, level)
		}
		if got := strings.Join(levels, " "); got != row.levels {
			t.Errorf("%s: got %s, want %s", row.name, got, row.levels)
		}
		for _, want := range []string{"method=GET", "path=a/b", "try=1", "took=", "request_id=req-1"} {
			wantMatch(t, book.String(), want)
		}
		if strings.Contains(book.String(), "value-") {
			t.Errorf("%s: parameters are logged:\n%s", row.name, book.String())
		}
	}
}

func TestLoggerIsNeverNil(t *testing.T) {
	c := newClient(t, "http://prism.test")
	if c.Logger() == nil || c.Logger().Enabled(context.Background(), 12) {
		t.Error("the default logger is nil or not silent")
	}
	var cfg Config
	new(logBook).into(&cfg)
	if c := newClient(t, "http://prism.test", func(c *Config) { c.Logger = cfg.Logger }); c.Logger() != cfg.Logger {
		t.Error("not the logger that was given")
	}
}
