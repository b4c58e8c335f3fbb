package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

var here = Networks{Loopback: true}

func TestAFileIsFetchedWithItsTypeAndPlace(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?a=1#part", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/json")
		_, _ = io.WriteString(w, "{}")
	})
	file, err := (&Fetcher{Networks: here}).Fetch(t.Context(), at+"/old")
	if err != nil || string(file.Body) != "{}" || file.ContentType != "text/json" || file.URL.String() != at+"/new?a=1" {
		t.Errorf("Fetch = %+v, %v", file, err)
	}
}

// Each way to have a platform read what it may not is refused, and the error does not show
// what the address holds.
func TestWhatIsNotAllowedIsNotFetched(t *testing.T) {
	reached := false
	inside := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	to := func(place string) string {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", place)
			w.WriteHeader(http.StatusFound)
		})
	}
	for _, tt := range []struct {
		name, address string
		from          Networks
		words         string
	}{
		{"loopback", inside + "/s3cret", Networks{Private: true}, "is this machine itself"},
		{"metadata", "http://169.254.169.254/s3cret", here, "is link-local"},
		{"a redirect to metadata", to("http://169.254.169.254/s3cret"), here, "is link-local"},
		{"a redirect to a private network", to("http://10.0.0.1/s3cret"), here, "is in a private network"},
		{"a redirect to a file", to("file:///etc/s3cret"), here, "must begin with http"},
		{"a redirect with a password", to("http://a:s3cret@example.com/"), here, "user or password"},
		{"a redirect to nowhere", to("http://%zz/s3cret"), here, "no URL"},
		{"a scheme", "gopher://127.0.0.1/s3cret", here, "must begin with http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := (&Fetcher{Networks: tt.from}).Fetch(t.Context(), tt.address)
			if err == nil || !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want %q", err, tt.words)
			}
		})
	}
	if reached {
		t.Error("an address that is not allowed was reached")
	}
	var refused *Refused
	if _, err := new(Fetcher).Fetch(t.Context(), inside); !errors.As(err, &refused) || refused.Addr != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("error %v is no *Refused", err)
	}
}

func TestAHostileServerIsGivenUp(t *testing.T) {
	for name, tt := range map[string]struct {
		h     http.HandlerFunc
		words string
	}{
		"redirects for ever": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, "redirects more than 5 times"},
		"no file":            {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "the server answered 404 Not Found"},
		"a large file":       {func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, 1001)) }, "more than 1000 bytes"},
		"large headers": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("a", 2*fetchHeader))
		}, "exceeded"},
		"a cut": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			panic(http.ErrAbortHandler)
		}, "ended the connection"},
		"hangs": {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "did not answer within 300ms"},
		"hangs in the file": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "did not answer within 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &Fetcher{Networks: here, MaxBytes: 1000, Timeout: 300 * time.Millisecond}
			if !strings.HasPrefix(name, "hangs") {
				f.Timeout = patience.Of(10 * time.Second)
			}
			if _, err := f.Fetch(t.Context(), serve(t, tt.h)); err == nil || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("error %v, want %q", err, tt.words)
			}
		})
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	gone := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel(gone)
		<-r.Context().Done()
	})
	if _, err := (&Fetcher{Networks: here}).Fetch(ctx, at); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}
