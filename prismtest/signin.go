package prismtest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/shopex/prism-go"
)

// SignIn logs a user in with a browser: it opens page, a page of the application under
// test, fills in the login form to which it is redirected, and follows the redirects
// back. It returns the last answer.
//
// With the right password that is page itself, with a wrong one the login form again,
// with status 401. If no redirect leads to a login form, as the browser has signed in
// before, SignIn returns the answer of the last redirect. The body of the answer is in
// memory and need not be closed. A request without an answer fails the test.
func (s *Server) SignIn(browser *http.Client, page, login, password string) *http.Response {
	s.t.Helper()
	resp, body := s.open(browser, http.MethodGet, page, nil)
	if resp == nil {
		return nil
	}
	if form := findLoginForm(body); form != nil {
		action, err := resp.Request.URL.Parse(form.action)
		if err != nil {
			s.t.Fatalf("prismtest: the login form at %s has no address to send it to: %v", place(resp), err)
			return nil
		}
		resp, _ = s.open(browser, http.MethodPost, action.String(), form.filled(login, password))
	}
	return resp
}

// SignOut ends the session that a browser has with the platform, as if its user had
// signed out in another application. It does not change the session of the application
// under test.
func (s *Server) SignOut(browser *http.Client) {
	s.t.Helper()
	resp, _ := s.open(browser, http.MethodGet, s.oauthURL("logout"), nil)
	if resp != nil && resp.StatusCode != http.StatusOK {
		s.t.Fatalf("prismtest: the platform answered a logout with %s", resp.Status)
	}
}

// tokenCallback is the redirect address of [Server.AccessToken]. Nothing listens there,
// as the browser does not follow that redirect.
const tokenCallback = "http://127.0.0.1/prismtest/callback"

// AccessToken signs a user of [Server.AddUser] in with a browser of its own, and
// returns an access token of the first key for that user, for
// [prism.Client.WithToken]. It registers a redirect address of its own.
func (s *Server) AccessToken(login string) string {
	s.t.Helper()
	password, known := s.password(login)
	if !known {
		s.t.Fatalf("prismtest: there is no user %q: add one with AddUser", login)
		return ""
	}
	s.AllowRedirect(tokenCallback)
	res, err := s.Client().OAuth().Post(context.Background(), "token", prism.Params{
		"grant_type": "authorization_code", "code": s.code(login, password), "redirect_uri": tokenCallback,
	})
	if err != nil {
		s.t.Fatalf("prismtest: no access token for %q: %v", login, err)
		return ""
	}
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(res.Body, &token); err != nil || token.Access == "" {
		s.t.Fatalf("prismtest: the platform's answer has no access token for %q: %v", login, err)
	}
	return token.Access
}

// code returns the authorization code with which the platform redirects a browser back.
func (s *Server) code(login, password string) string {
	s.t.Helper()
	browser := s.Browser()
	browser.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if req.URL.Query().Has("code") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	query := url.Values{"client_id": {s.key.ID}, "response_type": {"code"}, "redirect_uri": {tokenCallback}}
	resp := s.SignIn(browser, s.oauthURL("authorize")+"?"+query.Encode(), login, password)
	if resp == nil {
		return ""
	}
	back, err := resp.Location()
	if err != nil {
		s.t.Fatalf("prismtest: the platform answered the login of %q with %s, not with a code", login, resp.Status)
		return ""
	}
	return back.Query().Get("code")
}

// oauthURL returns the address of one of the platform's OAuth endpoints.
func (s *Server) oauthURL(name string) string {
	return s.Client().OAuth().Server().JoinPath(name).String()
}
