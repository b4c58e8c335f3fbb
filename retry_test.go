package prism

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryable(t *testing.T) {
	status := func(n int) outcome { return outcome{response: &Response{Status: n}, err: &Error{Status: n}} }
	coded := func(code string) outcome {
		return outcome{response: &Response{Status: 200}, err: &Error{Status: 200, Code: code}}
	}
	lost := outcome{err: io.ErrUnexpectedEOF}
	unsent := func(err error) outcome { return outcome{err: fmt.Errorf("prism: GET x: %w", err), unsent: true} }
	for _, row := range []struct {
		name               string
		o                  outcome
		always, repeatable bool
	}{
		{"no connection", unsent(&net.OpError{Op: "dial", Err: errors.New("refused")}), true, true},
		{"no name", unsent(&net.DNSError{IsNotFound: true}), true, true},
		{"slow dial", unsent(context.DeadlineExceeded), true, true},
		{"header not written", unsent(io.ErrClosedPipe), true, true},
		{"bad certificate", unsent(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), false, false},
		{"plain http behind https", unsent(tls.RecordHeaderError{}), false, false},
		{"connection lost", lost, false, true},
		{"try took too long", outcome{err: fmt.Errorf("slow: %w", context.DeadlineExceeded)}, false, true},
		{"answer too long", outcome{err: &BodyTooLargeError{1}}, false, false},
		{"429", status(429), true, true},
		{"rate limited with 200", coded("rate_limited"), true, true},
		{"502", status(502), false, true},
		{"503", status(503), false, true},
		{"504", status(504), false, true},
		{"500", status(500), false, false},
		{"501", status(501), false, false},
		{"400", status(400), false, false},
		{"401", status(401), false, false},
		{"403", status(403), false, false},
		{"404", status(404), false, false},
		{"408", status(408), false, false},
		{"redirect", status(302), false, false},
		{"failure with 200", coded("invalid_sign"), false, false},
	} {
		if got := retryable(false, &row.o); got != row.always {
			t.Errorf("%s, not repeatable: got %v", row.name, got)
		}
		if got := retryable(true, &row.o); got != row.repeatable {
			t.Errorf("%s, repeatable: got %v", row.name, got)
		}
	}
}

// script answers one try after the other and notes when each came.
type script struct {
	answers []func() (*http.Response, error)
	came    []time.Duration
	start   time.Time
}

func (s *script) RoundTrip(*http.Request) (*http.Response, error) {
	if s.start.IsZero() {
		s.start = time.Now()
	}
	s.came = append(s.came, time.Since(s.start))
	return s.answers[min(len(s.came), len(s.answers))-1]()
}

func respond(status int, header ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return reply(status, "", header...), nil }
}

// Jitter is at its greatest in these bubbles, so waits are exact.
func scripted(t *testing.T, change func(*Config), answers ...func() (*http.Response, error)) (*script, *Client) {
	s := &script{answers: answers}
	c := newClient(t, "http://prism.test", over(s.RoundTrip), change)
	c.random = func() float64 { return 1 }
	return s, c
}

func TestRetriesAndTheirWaits(t *testing.T) {
	late := time.Date(2000, 1, 1, 0, 0, 7, 0, time.UTC).Format(http.TimeFormat) // bubbles begin at midnight
	for _, row := range []struct {
		name    string
		retry   Retry
		answers []func() (*http.Response, error)
		status  int
		came    []time.Duration
	}{
		{"three tries", Retry{}, []func() (*http.Response, error){respond(429)}, 429,
			[]time.Duration{0, 200 * time.Millisecond, 600 * time.Millisecond}},
		{"one is enough", Retry{}, []func() (*http.Response, error){respond(429), respond(200)}, 200,
			[]time.Duration{0, 200 * time.Millisecond}},
		{"never", Retry{Tries: 1}, []func() (*http.Response, error){respond(429)}, 429, []time.Duration{0}},
		{"up to Max", Retry{Tries: 5, Min: time.Second, Max: 2 * time.Second}, []func() (*http.Response, error){respond(429)}, 429,
			[]time.Duration{0, 1 * time.Second, 3 * time.Second, 5 * time.Second, 7 * time.Second}},
		{"within", Retry{Tries: 99, Min: time.Second, Max: time.Second, Within: 2500 * time.Millisecond}, []func() (*http.Response, error){respond(429)}, 429,
			[]time.Duration{0, 1 * time.Second, 2 * time.Second}},
		{"Retry-After in seconds", Retry{}, []func() (*http.Response, error){respond(429, "Retry-After", "3"), respond(200)}, 200,
			[]time.Duration{0, 3 * time.Second}},
		{"Retry-After as a date", Retry{}, []func() (*http.Response, error){respond(429, "Retry-After", late), respond(200)}, 200,
			[]time.Duration{0, 7 * time.Second}},
		{"Retry-After on the server's clock", Retry{},
			[]func() (*http.Response, error){respond(429, "Retry-After", "Fri, 02 Jan 2026 12:00:04 GMT", "Date", "Fri, 02 Jan 2026 12:00:00 GMT"), respond(200)}, 200,
			[]time.Duration{0, 4 * time.Second}},
		{"Retry-After is past", Retry{}, []func() (*http.Response, error){respond(429, "Retry-After", "Fri, 02 Jan 1998 12:00:04 GMT"), respond(200)}, 200,
			[]time.Duration{0, 200 * time.Millisecond}},
		{"Retry-After too late", Retry{}, []func() (*http.Response, error){respond(429, "Retry-After", "11")}, 429, []time.Duration{0}},
		{"Retry-After for ever", Retry{}, []func() (*http.Response, error){respond(429, "Retry-After", "99999999999999999999")}, 429,
			[]time.Duration{0, 200 * time.Millisecond, 600 * time.Millisecond}},
		{"Retry-After for ages", Retry{}, []func() (*http.Response, error){respond(429, "Retry-After", "9999999999999999999")}, 429, []time.Duration{0}},
		{"Retry-After makes no sense", Retry{}, []func() (*http.Response, error){respond(429, "Retry-After", "soon"), respond(200)}, 200,
			[]time.Duration{0, 200 * time.Millisecond}},
		{"503 with Retry-After", Retry{}, []func() (*http.Response, error){respond(503, "Retry-After", "1")}, 503, []time.Duration{0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := scripted(t, func(c *Config) { c.Retry = row.retry }, row.answers...)
				res, err := c.Get(background, "x", nil)
				if res == nil || res.Status != row.status || (err == nil) != (row.status == 200) {
					t.Errorf("got %v, %v", res, err)
				}
				if fmt.Sprint(s.came) != fmt.Sprint(row.came) {
					t.Errorf("tries at %v, want %v", s.came, row.came)
				}
			})
		})
	}
}

func TestJitterIsFull(t *testing.T) {
	c := newClient(t, "http://prism.test")
	least, most := time.Hour, time.Duration(0)
	for range 2000 {
		wait := c.wait(&outcome{}, 2)
		least, most = min(least, wait), max(most, wait)
	}
	if least > 40*time.Millisecond || most < 360*time.Millisecond || most > 400*time.Millisecond {
		t.Errorf("waits from %v to %v, want about 0 to 400ms", least, most)
	}
	if wait := c.wait(&outcome{}, math.MaxInt); wait > defaultMax {
		t.Errorf("waits %v", wait)
	}
}

func TestRepeatableCallsAreRepeatedAfterALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lose := func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			s, c := scripted(t, func(*Config) {}, lose, respond(200))
			if _, err := c.Do(background, Call{Method: method, Path: "x"}); !errors.Is(err, io.ErrUnexpectedEOF) || len(s.came) != 1 {
				t.Errorf("%s: got %v after %d tries, want the error after 1", method, err, len(s.came))
			}
			s, c = scripted(t, func(*Config) {}, lose, respond(503), respond(200))
			if _, err := c.Do(background, Call{Method: method, Path: "x", Repeatable: true}); err != nil || len(s.came) != 3 {
				t.Errorf("repeatable %s: got %v after %d tries, want none after 3", method, err, len(s.came))
			}
		}
	})
}

func TestARequestShowsTheEarlierDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left time.Duration
		c := newClient(t, "http://prism.test", over(func(r *http.Request) (*http.Response, error) {
			deadline, ok := r.Context().Deadline()
			if left = time.Until(deadline); !ok {
				t.Error("no deadline")
			}
			return reply(200, "{}"), nil
		}), func(c *Config) { c.Timeout = 10 * time.Second })
		for _, own := range []time.Duration{3 * time.Second, 30 * time.Second} {
			ctx, cancel := context.WithTimeout(background, own)
			if _, err := c.Get(ctx, "x", nil); err != nil || left != min(own, 10*time.Second) {
				t.Errorf("with %v: got %v, %v left", own, err, left)
			}
			cancel()
		}
	})
}

func TestACallersDeadlineIsNotTakenForTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://prism.test", over(silent), func(c *Config) { c.Timeout = 2 * time.Second })
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		_, err := c.Get(ctx, "x", nil)
		if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "Config.Timeout") {
			t.Errorf("got %v", err)
		}
	})
}

func TestOneTryIsBoundedByTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		c := newClient(t, "http://prism.test", over(func(r *http.Request) (*http.Response, error) {
			tries++
			return silent(r)
		}), func(c *Config) { c.Timeout = 2 * time.Second })
		start := time.Now()
		_, err := c.Get(background, "x", nil)
		if !errors.Is(err, context.DeadlineExceeded) || tries != 1 || time.Since(start) != 2*time.Second {
			t.Errorf("got %v after %d tries and %v", err, tries, time.Since(start))
		}
		wantMatch(t, err.Error(), "within 2s (Config.Timeout)")
		if _, err = c.Do(background, Call{Path: "x", Repeatable: true}); err == nil || tries != 4 {
			t.Errorf("repeatable: got %v after %d tries", err, tries-1)
		}
	})
}

func TestTimeoutBoundsAlsoTheBody(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c := newClient(t, s.URL, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	if _, err := c.Get(background, "x", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s.only(t)
}

func TestContextEndsEveryWait(t *testing.T) {
	busy := func(*http.Request) (*http.Response, error) { return reply(429, "", "Retry-After", "5"), nil }
	for name, rt := range map[string]roundTrip{"while an answer is awaited": silent, "between two tries": busy} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var book logBook
				c := newClient(t, "http://prism.test", over(rt), book.into)
				reason := errors.New("user went away")
				ctx, cancel := context.WithCancelCause(background)
				time.AfterFunc(time.Second, func() { cancel(reason) })
				start := time.Now()
				_, err := c.Do(ctx, Call{Path: "x", Repeatable: true})
				if !errors.Is(err, context.Canceled) || !errors.Is(err, reason) || time.Since(start) != time.Second {
					t.Errorf("got %v after %v", err, time.Since(start))
				}
				if strings.Contains(book.String(), "level=ERROR") || strings.Contains(book.String(), "canceled") {
					t.Errorf("the cancel is logged:\n%s", book.String())
				}
			})
		})
	}
}

func TestDeadlineThatCannotBeMetIsNotAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := scripted(t, func(*Config) {}, respond(429, "Retry-After", "5"))
		ctx, cancel := context.WithTimeout(background, 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Get(ctx, "x", nil)
		if !errors.Is(err, ErrRateLimited) || len(s.came) != 1 || time.Since(start) != 0 {
			t.Errorf("got %v after %d tries and %v", err, len(s.came), time.Since(start))
		}
	})
}

func TestLastAnswerComesWithACancelledWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := scripted(t, func(*Config) {}, respond(429, "Retry-After", "5"))
		ctx, cancel := context.WithCancel(background)
		time.AfterFunc(time.Second, cancel)
		res, err := c.Get(ctx, "x", nil)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrRateLimited) || res == nil {
			t.Errorf("got %v, %v", res, err)
		}
	})
}

func TestCallsWithoutAConnectionAreRepeated(t *testing.T) {
	s := newServer(t, ok)
	dials := 0
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials < 3 {
			return nil, errors.New("no route")
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	c := newClient(t, s.URL, func(c *Config) {
		c.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: dial}}
		c.Retry.Max = time.Millisecond
	})
	if _, err := c.Post(background, "x", Params{"a": 1}); err != nil || dials != 3 {
		t.Errorf("got %v after %d dials", err, dials)
	}
	s.only(t)
}

func TestUnverifiedServerIsRefusedAtOnce(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Config.ErrorLog = newQuietLog()
	s.StartTLS()
	defer s.Close()
	var book logBook
	_, err := newClient(t, s.URL, book.into).Get(background, "x", nil)
	var wrong *tls.CertificateVerificationError
	if !errors.As(err, &wrong) {
		t.Errorf("got %v", err)
	}
	if n := strings.Count(book.String(), "level=DEBUG"); n != 1 {
		t.Errorf("%d tries:\n%s", n, book.String())
	}
}

func TestHTTP2(t *testing.T) {
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.keep(t, r)
		io.WriteString(w, r.Proto+fmt.Sprint(r.ContentLength, r.TransferEncoding))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	c := newClient(t, s.URL, func(c *Config) { c.HTTPClient = s.Client() })
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		res, err := c.Do(background, Call{Method: method, Path: "x", Params: Params{"a": 1}})
		if err != nil || !strings.HasPrefix(string(res.Body), "HTTP/2.0") {
			t.Errorf("%s: got %v, %v", method, res, err)
		}
	}
	for _, r := range s.requests() {
		if !r.Verified {
			t.Errorf("wrong signature: %+v", r)
		}
	}
}

// The length is unknown when the header is not the end of the stream.
func TestARequestWithoutABodyIsOneFrameOverHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" "+fmt.Sprint(r.ContentLength))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	c := newClient(t, s.URL, func(c *Config) { c.HTTPClient = s.Client() })
	for range 3 {
		for _, call := range []Call{
			{Method: "GET", Path: "x"},
			{Method: "DELETE", Path: "x"},
			{Method: "DELETE", Path: "x", Header: http.Header{"Idempotency-Key": {"1"}}},
		} {
			if res, err := c.Do(background, call); err != nil || string(res.Body) != "HTTP/2.0 0" {
				t.Errorf("%+v: got %v, %v", call, res, err)
			}
		}
	}
}

func TestRefusedStreamIsRecognised(t *testing.T) {
	if !refusedStream(errors.New("http2: Transport: cannot retry err [x] after Request.Body was written; define Request.GetBody to avoid this error")) {
		t.Error("not recognised")
	}
}
