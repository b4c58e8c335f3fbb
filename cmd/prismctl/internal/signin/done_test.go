package signin

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/shopex/prism-go"
)

func TestOnlyThePageOfAPlatformIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		found  bool
	}{
		"that page":           {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Prism-Page", "done") }, true},
		"a page for all":      {func(http.ResponseWriter, *http.Request) {}, false},
		"no page":             {http.NotFound, false},
		"a call to be signed": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, false},
		"another site": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://a.example/", http.StatusSeeOther)
		}, false},
		"nothing": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodHead || r.URL.String() != "/below/oauth/done" {
					t.Errorf("it asks for %s %s", r.Method, r.URL)
				}
				c.answer(w, r)
			}))
			defer srv.Close()
			want := DonePage("")
			if c.found {
				want = DonePage(srv.URL + "/below/oauth/done")
			}
			if got := FindDonePage(t.Context(), srv.URL+"/below/oauth/authorize?client_id=k&state=s"); got != want {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
}

func TestWhatFailedIsACodeInTheAddress(t *testing.T) {
	const done = DonePage("https://a.example/oauth/done")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&DeniedError{Code: "access_denied", Description: "not today"}, "access_denied"},
		{&DeniedError{Code: "a&b=\x1bc#"}, "a%26b%3Dc%23"},
		{fmt.Errorf("login: %w", &prism.Error{Code: "invalid_grant"}), "invalid_grant"},
		{&prism.Error{Message: "secret words"}, "failed"},
		{errors.New("secret words"), "failed"},
	} {
		if got := done.Failed(c.err).Instead; got != string(done)+"?error="+c.want {
			t.Errorf("%v leads to %s", c.err, got)
		}
	}
	if own := DonePage("").Failed(errors.New("x")); own.Instead != "" || own.Status != http.StatusBadRequest {
		t.Errorf("without a page of the platform: %+v", own)
	}
}
