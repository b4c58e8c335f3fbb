package users_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/users"
	"github.com/shopex/prism-go/sign"
)

const (
	key    = "usersapi"
	secret = "secretofusersapi2345"
	canary = "canary &=密码"
)

// api serves h as the API of the users, which gets what is signed only.
func api(t *testing.T, h http.HandlerFunc) *users.HTTP {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Form.Get("client_id") != key {
			t.Errorf("the request is %v, %v", r.Form, err)
		}
		signed := sign.Request{Method: r.Method, Path: r.URL.Path, Header: r.Header, Query: r.URL.Query(), Form: r.PostForm}
		if !sign.Verify(secret, signed, r.Form.Get("sign")) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	return &users.HTTP{URL: srv.URL + "/shop/check?v=1", Key: key, Secret: secret, Client: srv.Client()}
}

// answering is an API with one answer.
func answering(t *testing.T, status int, body string) *users.HTTP {
	return api(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func TestAnAPIGetsASignedFormAndSaysWhoTheUserIs(t *testing.T) {
	h := api(t, func(w http.ResponseWriter, r *http.Request) {
		want := url.Values{"account": {"ann"}, "pass": {canary}, "shop": {"7"}}
		for name := range want {
			if r.PostForm.Get(name) != want.Get(name) || r.URL.Query().Has(name) {
				t.Errorf("%s is %q", name, r.Form[name])
			}
		}
		_, _ = io.WriteString(w, `{"result": {"user": {"uid": 12345678901234567890, "mail": "a@example.com", "vip": true, "tags": ["a", 1], "none": null}}}`)
	})
	h.Meta, h.LoginName, h.PasswordName = map[string]string{"shop": "7"}, "account", "pass"
	h.Member, h.IDMember = "result.user", "uid"
	user, err := h.Authenticate(t.Context(), "ann", canary)
	data := map[string]string{"mail": "a@example.com", "vip": "true", "tags": `["a",1]`}
	if err != nil || user.ID != "12345678901234567890" || user.Login != "ann" || !maps.Equal(user.Data, data) {
		t.Errorf("%+v, %v", user, err)
	}
}

// The outcomes of a login.
const (
	in          = "the ID 7"
	wrong       = "a wrong password"
	unavailable = "unavailable"
)

func outcome(user platform.User, err error) string {
	switch {
	case err == nil && user.ID == "7":
		return in
	case errors.Is(err, platform.ErrWrongPassword):
		return wrong
	case errors.Is(err, users.ErrUnavailable):
		return unavailable
	}
	return user.ID
}

func TestWhatAnAPIAnswersIsAUserAWrongPasswordOrNeither(t *testing.T) {
	for _, test := range []struct {
		status int
		member string
		body   string
		want   string
	}{
		{200, "", `{"id":7}`, in},
		{200, "", ` {"id":"7"} `, in},
		{200, "", `7`, in},
		{201, "data", `{"data":{"id":"7"}}`, in},
		{200, "data", `{"data":"7"}`, in},
		{200, "data.id", `{"data":{"id":7,"x":1}}`, in},
		{401, "", `{"id":7}`, wrong},
		{204, "", ``, wrong},
		{200, "", `null`, wrong},
		{200, "", `false`, wrong},
		{200, "data", `{"data":null,"error":"no"}`, wrong},
		{200, "data", `{"error":"no"}`, wrong},
		{200, "data", `{"data":{ }}`, wrong},
		{200, "data", `{"data":[]}`, wrong},
		{200, "data", `{"data":""}`, wrong},
		{200, "data.id", `{"data":0}`, wrong},
		{200, "data", `{"data":true}`, unavailable},
		{200, "data", `{"data":[7]}`, unavailable},
		{200, "data", `{"data":{"uid":7}}`, unavailable},
		{200, "data", `{"data":{"id":true}}`, unavailable},
		{200, "data", `{"data":{"id":null}}`, unavailable},
		{200, "data", `{"data":{"id":""}}`, unavailable},
		{200, "", ``, unavailable},
		{200, "", `<html>`, unavailable},
		{200, "", `{"id":7} {}`, unavailable},
		{200, "", `{"id":7,"x":"` + strings.Repeat("x", 17<<10) + `"}`, unavailable},
		{200, "", `{"id":7,"x":"` + strings.Repeat("x", 65<<10) + `"}`, unavailable},
		{302, "", `{"id":7}`, unavailable},
		{403, "", `{"id":7}`, unavailable},
		{404, "", `{"id":7}`, unavailable},
		{500, "", `{"id":7}`, unavailable},
	} {
		h := answering(t, test.status, test.body)
		h.Member = test.member
		if got := outcome(h.Authenticate(t.Context(), "ann", canary)); got != test.want {
			t.Errorf("%d %.60s, %q: %s, want %s", test.status, test.body, test.member, got, test.want)
		}
	}
	h := answering(t, http.StatusTeapot, "")
	h.WrongStatus = []int{http.StatusTeapot}
	if got := outcome(h.Authenticate(t.Context(), "ann", canary)); got != wrong {
		t.Error(got)
	}
}

func TestARedirectTakesNoPasswordElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer elsewhere.Close()
	h := api(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	if got := outcome(h.Authenticate(t.Context(), "ann", canary)); got != unavailable {
		t.Error(got)
	}
}

func TestAnAPIThatCannotAnswerIsNoWrongPassword(t *testing.T) {
	refusing := answering(t, 200, `{"id":7}`)
	refusing.Secret = "anothersecret2345678"
	cut := api(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	slow := api(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	slow.Timeout = 10 * time.Millisecond
	down := answering(t, 200, "")
	down.URL = "http://127.0.0.1:1/?token=" + url.QueryEscape(canary)
	for name, h := range map[string]*users.HTTP{"refusing": refusing, "cut": cut, "slow": slow, "down": down} {
		user, err := h.Authenticate(t.Context(), "ann", canary)
		if got := outcome(user, err); got != unavailable {
			t.Errorf("%s: %s", name, got)
			continue
		}
		if text := err.Error(); strings.Contains(text, canary) || strings.Contains(text, url.QueryEscape(canary)) || strings.Contains(text, secret) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "slow" != errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettingsThatWouldShowPasswordsAreRefused(t *testing.T) {
	for _, h := range []*users.HTTP{
		{URL: "http://192.0.2.1/check", Key: key, Secret: secret},
		{URL: "http://localhost.example/check", Key: key, Secret: secret},
		{URL: "ftp://shop.example/", Key: key, Secret: secret},
		{URL: "https://a:b@shop.example/", Key: key, Secret: secret},
		{URL: "https:///check", Key: key, Secret: secret},
		{URL: "https://shop.example/", CheckURL: "http://shop.example/still", Key: key, Secret: secret},
		{URL: "https://shop.example/", Key: key},
		{URL: "https://shop.example/", Secret: secret},
		{URL: "https://shop.example/", Key: key, Secret: secret, Meta: map[string]string{"sign": "x"}},
		{URL: "https://shop.example/", Key: key, Secret: secret, LoginName: "a", Meta: map[string]string{"a": "x"}},
	} {
		if _, err := h.Authenticate(t.Context(), "ann", canary); err == nil || errors.Is(err, platform.ErrWrongPassword) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", h.URL, err)
		}
	}
	for _, h := range []*users.HTTP{
		{URL: "http://192.0.2.1/check", Key: key, Secret: secret, AllowPlain: true},
		{URL: "http://[::1]:80/check", Key: key, Secret: secret},
		{URL: "http://localhost/check", Key: key, Secret: secret},
	} {
		if err := h.Check(); err != nil {
			t.Errorf("%s: %v", h.URL, err)
		}
	}
}
