package prism

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// get makes a call that is answered by status and body.
func get(t *testing.T, status int, body string, header ...string) (*Response, error) {
	t.Helper()
	c := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) {
		return reply(status, body, header...), nil
	}), func(c *Config) { c.Retry.Tries = 1 })
	return c.Get(background, "/a/b?c=d", nil)
}

func TestDecodeOpensTheEnvelope(t *testing.T) {
	for _, body := range []string{
		`{"result":{"id":9007199254740993},"error":null}`,
		`{"jsonrpc":"2.0","result":{"id":9007199254740993},"id":"r"}`,
		`{"rsp":"succ","res":"","data":{"id":9007199254740993},"msg_id":"m"}`,
		`{"id":9007199254740993}`,
		"\xef\xbb\xbf{\"id\":9007199254740993}",
	} {
		res, err := get(t, 200, body)
		if err != nil {
			t.Fatal(err)
		}
		var exact struct{ ID int64 }
		if err := res.Decode(&exact); err != nil || exact.ID != 9007199254740993 {
			t.Errorf("%s: %v, %v", body, exact, err)
		}
		var loose map[string]any
		if err := res.Decode(&loose); err != nil || fmt.Sprint(loose["id"]) != "9007199254740993" {
			t.Errorf("%s: %v, %v", body, loose, err)
		}
		var large struct{ ID *big.Int }
		if err := res.Decode(&large); err != nil || large.ID.String() != "9007199254740993" {
			t.Errorf("%s: %v, %v", body, large, err)
		}
		var raw json.RawMessage
		if err := res.Decode(&raw); err != nil || string(raw) != `{"id":9007199254740993}` {
			t.Errorf("%s: %s, %v", body, raw, err)
		}
		if res.Decode(nil) != nil || string(res.Body) != body {
			t.Errorf("%s: Decode(nil) = %v, Body = %s", body, res.Decode(nil), res.Body)
		}
	}
}

func TestDecodeIntoText(t *testing.T) {
	for body, want := range map[string]string{
		`{"result":"a\nb","error":null}`: "a\nb",
		`{"result":17,"error":null}`:     "17",
		`{"result":null,"error":null}`:   "",
		`plain text`:                     "plain text",
		``:                               "",
	} {
		res, err := get(t, 200, body)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := res.Decode(&got); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", body, got, err, want)
		}
	}
	res, _ := get(t, 200, `{"result":"a","error":null}`)
	var raw []byte
	if err := res.Decode(&raw); err != nil || string(raw) != `"a"` {
		t.Errorf("got %s, %v", raw, err)
	}
	if raw[0] = 'x'; string(res.Body) != `{"result":"a","error":null}` {
		t.Error("the bytes are not a copy")
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	for body, want := range map[string]string{
		``:                             "has no body",
		" \n":                          "has no body",
		`<html>`:                       `"text/html"`,
		`{"result":"a","error":null}`:  "cannot be decoded into a *int",
		`1 2`:                          "more follows",
		`{"result":tru,"error":null}`:  "cannot be decoded",
		`{"result":1.5,"error":null} `: "cannot be decoded",
	} {
		res, err := get(t, 200, body, "Content-Type", "text/html")
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := res.Decode(&n); err == nil {
			t.Errorf("%q: no error", body)
		} else {
			wantMatch(t, err.Error(), want)
		}
	}
	res, _ := get(t, 200, `1`)
	if err := res.Decode(5); err == nil {
		t.Error("decoding into no pointer: no error")
	}
}

func TestFailuresAreErrorsWhateverTheStatus(t *testing.T) {
	for _, row := range []struct {
		status int
		body   string
		want   Error
		text   string
	}{
		{200, `{"result":null,"error":{"code":"e1","message":"no such thing","data":[1],"exception":"trace"}}`,
			Error{Code: "e1", Message: "no such thing", Data: json.RawMessage(`[1]`), Exception: "trace"},
			"prism: GET a/b: e1: no such thing (HTTP 200, request req-1)"},
		{401, `{"result":null,"error":{"code":"invalid_sign","message":"wrong"}}`, Error{Code: "invalid_sign", Message: "wrong"},
			"prism: GET a/b: invalid_sign: wrong (HTTP 401, request req-1); check that Config.Secret belongs to this key"},
		{400, `{"error":"invalid_grant","error_description":"code expired"}`, Error{Code: "invalid_grant", Message: "code expired"},
			"prism: GET a/b: invalid_grant: code expired (HTTP 400, request req-1)"},
		{500, `{"message":"boom","trace":[]}`, Error{Message: "boom"}, "prism: GET a/b: boom (HTTP 500, request req-1)"},
		{422, `{"code":"bad","msg":"worse","x":1}`, Error{Code: "bad", Message: "worse"}, "prism: GET a/b: bad: worse (HTTP 422, request req-1)"},
		{404, `404 page not found`, Error{Message: "404 page not found"}, "prism: GET a/b: 404 page not found (HTTP 404, request req-1)"},
		{500, `<html><body>very long</body></html>`, Error{}, "prism: GET a/b: internal server error (HTTP 500, request req-1)"},
		{400, ``, Error{}, "prism: GET a/b: bad request (HTTP 400, request req-1)"},
		{400, `{"result":{"a":1},"error":null}`, Error{}, "prism: GET a/b: bad request (HTTP 400, request req-1)"},
		{200, `{"result":null,"error":"word"}`, Error{Code: "word"}, "prism: GET a/b: word (HTTP 200, request req-1)"},
		{200, `{"rsp":"fail","res":"same","err_msg":"same"}`, Error{Code: "same", Message: "same"}, "prism: GET a/b: same (HTTP 200, request req-1)"},
	} {
		res, err := get(t, row.status, row.body, "X-Request-Id", "req-1")
		var got *Error
		if !errors.As(err, &got) || res == nil {
			t.Errorf("%s: got %v, %v, want an Error and a Response", row.body, res, err)
			continue
		}
		row.want.Method, row.want.Path, row.want.Status, row.want.RequestID = "GET", "a/b", row.status, "req-1"
		row.want.inEnvelope = got.inEnvelope // TestOnlyPrismsOwnRefusalIsFinal looks at that
		if fmt.Sprintf("%#v", *got) != fmt.Sprintf("%#v", row.want) || got.Error() != row.text {
			t.Errorf("%s:\n got %#v\nwant %#v\n got %v\nwant %v", row.body, *got, row.want, got, row.text)
		}
		if res.Status != row.status || string(res.Body) != row.body || res.RequestID != "req-1" {
			t.Errorf("%s: the response is %+v", row.body, res)
		}
		if again := res.Decode(new(any)); again != err {
			t.Errorf("%s: Decode gives %v, not the error of Do", row.body, again)
		}
	}
}

func TestRequestIDOfJSONRPC(t *testing.T) {
	res, err := get(t, 200, `{"jsonrpc":"2.0","result":1,"id":"r-9"}`)
	if err != nil || res.RequestID != "r-9" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestSentinelsAreFoundByStatusAndByCode(t *testing.T) {
	coded := func(code string) string { return `{"result":null,"error":{"code":"` + code + `","message":"m"}}` }
	for _, row := range []struct {
		status int
		body   string
		want   error // nil: none of them
	}{
		{401, "", ErrUnauthorized},
		{403, "", ErrForbidden},
		{404, "", ErrNotFound},
		{429, "", ErrRateLimited},
		{200, coded("unknown_key"), ErrUnauthorized},
		{200, coded("invalid_sign"), ErrUnauthorized},
		{200, coded("sign_time_expired"), ErrUnauthorized},
		{200, coded("forbidden"), ErrForbidden},
		{200, coded("unknown_api"), ErrNotFound},
		{200, coded("rate_limited"), ErrRateLimited},
		{200, `{"jsonrpc":"2.0","error":{"code":-32601,"message":"m"}}`, ErrNotFound},
		{200, coded("something_else"), nil},
		{200, coded(""), nil},
		{500, "", nil},
	} {
		e := &Error{}
		_, err := get(t, row.status, row.body)
		if !errors.As(err, &e) {
			t.Fatalf("%d %s: %v", row.status, row.body, err)
		}
		for _, sentinel := range []error{ErrUnauthorized, ErrForbidden, ErrNotFound, ErrRateLimited, nil} {
			if got, want := e.Is(sentinel), sentinel != nil && sentinel == row.want; got != want {
				t.Errorf("%d %s: Is(%v) = %v", row.status, row.body, sentinel, got)
			}
		}
	}
}

func TestLongMessageIsCutInTheText(t *testing.T) {
	_, err := get(t, 400, `{"result":null,"error":{"code":"c","message":"`+strings.Repeat("商", 5000)+`"}}`)
	if n := len(err.Error()); n > 2200 {
		t.Errorf("the text has %d bytes", n)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer target.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.URL+"/elsewhere?"+r.URL.RawQuery, status)
		})
		c := newClient(t, s.URL)
		for _, method := range []string{"GET", "POST"} {
			res, err := c.Do(background, Call{Method: method, Path: "x", Repeatable: true})
			var e *Error
			if !errors.As(err, &e) || e.Status != status || res == nil {
				t.Fatalf("%d: got %v", status, err)
			}
			wantMatch(t, e.Error(), target.URL+"/elsewhere")
			if strings.Contains(e.Error(), "sign=") {
				t.Errorf("the error shows the query: %v", e)
			}
		}
	}
	if elsewhere.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

func TestAnswersAreBounded(t *testing.T) {
	zip := func(w http.ResponseWriter, n int) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(make([]byte, n))
		z.Close()
	}
	const limit = 2000
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		fits   bool
	}{
		"exactly the limit":      {func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, limit)) }, true},
		"declared length":        {func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, limit+1)) }, false},
		"in chunks":              {func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 50*limit)) }, false},
		"compressed, fits":       {func(w http.ResponseWriter, r *http.Request) { zip(w, limit) }, true},
		"compressed, is too big": {func(w http.ResponseWriter, r *http.Request) { zip(w, limit+1) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, row.answer)
			c := newClient(t, s.URL, func(c *Config) { c.MaxBody = limit })
			res, err := c.Do(background, Call{Path: "x", Repeatable: true})
			var large *BodyTooLargeError
			switch {
			case row.fits && (err != nil || len(res.Body) != limit):
				t.Errorf("got %v, %v", res, err)
			case !row.fits && (!errors.As(err, &large) || large.Limit != limit || res != nil):
				t.Errorf("got %v, %v, want a BodyTooLargeError", res, err)
			}
			s.only(t)
		})
	}
}

func TestHugeDeclaredLengthIsNotAllocated(t *testing.T) {
	c := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) {
		resp := reply(200, "short")
		resp.ContentLength = 30 << 20
		return resp, nil
	}))
	res, err := c.Get(background, "x", nil)
	if err != nil || cap(res.Body) > 1<<20 {
		t.Errorf("capacity %d, %v", cap(res.Body), err)
	}
}

func TestCutAnswerIsAnError(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"result":`)
	})
	res, err := newClient(t, s.URL).Get(background, "x", nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || res != nil {
		t.Errorf("got %v, %v", res, err)
	}
	s.only(t)
}

// Failures are read to their end as well, so their connections are kept.
func TestConnectionsAreReused(t *testing.T) {
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		w.Write(make([]byte, 300<<10))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := newClient(t, s.URL)
	for i := range 20 {
		method := []string{"GET", "POST"}[i%2]
		if _, err := c.Do(background, Call{Method: method, Path: "x"}); err == nil {
			t.Fatal("no error")
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("20 calls took %d connections", n)
	}
}

func TestWhatATerminalWouldObeyIsEscaped(t *testing.T) {
	_, err := get(t, 400, `{"result":null,"error":{"code":"a\u001b[31m","message":"b\r\nlevel=ERROR c"}}`, "X-Request-Id", "d\x1b[2J")
	if text := err.Error(); strings.ContainsAny(text, "\x1b\r\n") || !strings.Contains(text, `b\r\nlevel=ERROR c`) {
		t.Errorf("%q", text)
	}
}

func TestAnswersThatSayLittleAreExplained(t *testing.T) {
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a page in GBK":           {answer(404, "<html class=x>\xd5\xd2\xb2\xbb\xb5\xbd 404\n nginx/1.2 \x81\x41"), "not UTF-8 (Content-Type \"text/html; charset=utf-8\"): is it a page of a proxy? In ASCII it has \"404 nginx/1.2\""},
		"nothing has changed":     {answer(304, ""), "nothing has changed"},
		"a status of a gateway's": {answer(520, ""), "does not define"},
	} {
		_, err := newClient(t, newServer(t, row.answer).URL).Get(background, "x", nil)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEmptyListOfPHPIsAnObjectWithoutMembers(t *testing.T) {
	c := newClient(t, newServer(t, answer(200, `{"result":[],"error":null}`)).URL)
	resp, err := c.Get(background, "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	var s struct{ A int }
	var m map[string]string
	var list []string
	for _, v := range []any{&s, &m, &list} {
		if err := resp.Decode(v); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
	var n int
	if resp.Decode(&n) == nil {
		t.Error("a list is no number")
	}
}

func TestALostConnectionDoesNotHideEarlierAnswers(t *testing.T) {
	var tries atomic.Int32
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		panic(http.ErrAbortHandler)
	})
	c := newClient(t, s.URL, func(c *Config) {
		c.Retry = Retry{Tries: 2, Min: time.Millisecond, Max: time.Millisecond, Within: time.Minute}
	})
	_, err := c.Do(background, Call{Method: "GET", Path: "x", Repeatable: true})
	var failure *Error
	if err == nil || !strings.Contains(err.Error(), "HTTP 503") || errors.As(err, &failure) {
		t.Errorf("got %v", err)
	}
}

func TestATimeOutDoesNotHideEarlierAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		c := newClient(t, "http://prism.test", over(func(r *http.Request) (*http.Response, error) {
			if tries++; tries == 1 {
				return reply(http.StatusServiceUnavailable, ""), nil
			}
			return silent(r)
		}), func(c *Config) {
			c.Timeout = 10 * time.Second
			c.Retry = Retry{Tries: 2, Min: time.Millisecond, Max: time.Millisecond, Within: time.Minute}
		})
		_, err := c.Do(background, Call{Method: "GET", Path: "x", Repeatable: true})
		var failure *Error
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "HTTP 503") || errors.As(err, &failure) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAPageThatIsNotUTF8ShowsNoSecret(t *testing.T) {
	for _, before := range []int{0, 190} { // there the secret is in the way of the cut
		page := "\xd5\xd2 " + strings.Repeat("x", before) + " " + testSecret + strings.Repeat(" and so on", 1000)
		_, err := get(t, 502, page)
		if err == nil || !strings.Contains(err.Error(), "*** and so on") && before == 0 || strings.Contains(err.Error(), testSecret[:4]) || len(err.Error()) > 500 {
			t.Errorf("got %v", err)
		}
	}
}
