package prismtest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/shopex/prism-go"
)

// SignIn walks a browser through a login: it opens page, which is one of the
// application under test, fills in the login form to which it is led, and
// follows the redirects back. It returns the last answer.
//
// That is page itself when all went well, and the login form again, with status
// 401, when the password is wrong. A browser that is led to no login form, as
// it has signed in before, gets what it was led to. The body of the answer is
// in memory and need not be closed. A request without an answer fails the test.
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

// SignOut ends the session that a browser has with the platform, as if its user
// had signed out in another application. What this one keeps is not touched.
func (s *Server) SignOut(browser *http.Client) {
	s.t.Helper()
	resp, _ := s.open(browser, http.MethodGet, s.oauthURL("logout"), nil)
	if resp != nil && resp.StatusCode != http.StatusOK {
		s.t.Fatalf("prismtest: the platform answered a logout with %s", resp.Status)
	}
}

// tokenCallback is where [Server.AccessToken] sends its browser back to. Nothing
// listens there, as it does not go.
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

// code returns what the platform sends a browser back with.
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

// oauthURL is the address of one of the platform's OAuth endpoints.
func (s *Server) oauthURL(name string) string {
	return s.Client().OAuth().Server().JoinPath(name).String()
}
