package platform

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"

	"github.com/shopex/prism-go/internal/code"
)

// An authorization is a request of an app at the authorize page, to which it sends
// browsers (protocol chapter 4).
type authorization struct {
	codeRequest
	app          App
	state        string
	responseType string
}

// authorize logs the user in, if necessary, and redirects the browser to the app with
// a code.
func (p *Platform) authorize(w *answer, r *http.Request, c *call) error {
	a, err := p.readAuthorization(r, c)
	if err != nil {
		return err
	}
	if refusal, description := a.problem(); refusal != "" {
		w.code = refusal
		return a.sendBack(w, url.Values{"error": {refusal}, "error_description": {description}})
	}
	switch r.Method {
	case http.MethodPost:
		return p.login(w, r, c, a)
	case http.MethodGet:
		return p.authorizeKnown(w, r, a)
	}
	return p.showLogin(w, r, http.StatusOK, a, pageView{})
}

// readAuthorization reads the request of the app. Its errors are shown on a page and
// not sent to redirect_uri: before that is known to be registered, the platform would
// be an open redirector.
func (p *Platform) readAuthorization(r *http.Request, c *call) (*authorization, error) {
	a := &authorization{}
	for name, value := range map[string]*string{
		"client_id":             &a.Key,
		"redirect_uri":          &a.RedirectURI,
		"response_type":         &a.responseType,
		"state":                 &a.state,
		"code_challenge":        &a.Challenge,
		"code_challenge_method": &a.ChallengeMethod,
	} {
		var err error
		if *value, err = c.only(name); err != nil {
			return nil, err
		}
	}
	var err error
	a.app, err = p.appFor(r.Context(), a.Key, a.RedirectURI)
	if errors.Is(err, errUnregistered) {
		return a, p.unregistered(r, c, a)
	}
	if err == nil && a.app.Disabled {
		err = appDisabled()
	}
	return a, err
}

// errUnregistered is matched when the platform must not redirect to an address.
var errUnregistered = errors.New("platform: the redirect_uri is not registered")

// unregistered returns the error for an address that is not registered. The command
// that registers it is in the log and, in explain mode and for callers on this machine,
// in the error.
func (p *Platform) unregistered(r *http.Request, c *call, a *authorization) error {
	how := "prismctl app redirect add " + a.app.ID + " '" + shorten(a.RedirectURI, redirectBytes) + "'"
	message := "this redirect_uri is not registered for the app of this client_id: " +
		"let the platform's operator register exactly this address; only the port of 127.0.0.1, [::1] and localhost is free"
	if isRedirectURI(a.RedirectURI) && a.app.ID != "" {
		p.cfg.Logger.Info("a redirect_uri is not registered", slog.String("key", a.Key), slog.String("to register it", how), slog.String("request_id", c.id))
		if p.explained(r, c) {
			message += "; the command is: " + how
		}
	}
	return badRequest(code.UnknownRedirectURI, message)
}

// only returns the only value of a parameter in the query, or "".
func (c *call) only(name string) (string, error) {
	values := c.query[name]
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", badRequest(code.DuplicateParameter, name+" was sent more than once")
}

// appFor returns the app of a key. The error matches errUnregistered if redirect is
// not registered for it.
func (p *Platform) appFor(ctx context.Context, keyID, redirect string) (App, error) {
	if keyID == "" {
		return App{}, badRequest(code.MissingParameter, "client_id is missing: send the key of the app")
	}
	if redirect == "" {
		return App{}, badRequest(code.MissingParameter, "redirect_uri is missing: send the address of the app to which the browser returns")
	}
	app, err := p.appOf(ctx, keyID)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return App{}, badRequest(code.UnknownKey, "the platform has no key with this client_id: check it, and that it belongs to this server")
	case err == nil && app.allows(redirect), err != nil && !errors.Is(err, ErrUnknownApp):
		return app, err
	}
	return app, errUnregistered
}

// appOf returns the app of a key. The error matches [ErrUnknownKey] or [ErrUnknownApp]
// if there is none.
func (p *Platform) appOf(ctx context.Context, keyID string) (App, error) {
	key, err := p.registry.Key(ctx, keyID)
	if err != nil {
		return App{}, err
	}
	return p.registry.App(ctx, key.App)
}

// challenges matches the values of code_challenge that RFC 7636 allows.
var challenges = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// problem returns the error that is sent to the app, with a code of RFC 6749, or "".
func (a *authorization) problem() (refusal, description string) {
	switch {
	case a.responseType != "" && a.responseType != "code":
		return code.UnsupportedResponseType, "response_type must be code, which is also the default"
	case a.Challenge == "" && a.ChallengeMethod != "":
		return code.InvalidRequest, "code_challenge_method was sent without a code_challenge"
	case a.Challenge != "" && !challenges.MatchString(a.Challenge):
		return code.InvalidRequest, "code_challenge must have 43 to 128 letters, digits or -._~"
	case a.Challenge != "" && a.ChallengeMethod != "S256":
		return code.InvalidRequest, "code_challenge_method must be S256: plain, the default of RFC 7636, shows the verifier to whoever sees the address"
	}
	return "", ""
}

// authorizeKnown sends a code to the app if the user is logged in, and otherwise shows
// the login page.
func (p *Platform) authorizeKnown(w *answer, r *http.Request, a *authorization) error {
	s, err := p.liveSession(r.Context(), p.cookie(r, sessionCookie))
	if err != nil {
		return err
	}
	if s != nil {
		err = p.sendCode(w, r, a, s)
	}
	if s == nil || errors.Is(err, errSessionOver) {
		return p.showLogin(w, r, http.StatusOK, a, pageView{})
	}
	return err
}

// sendCode redirects the browser to the app with a code for the user of s.
func (p *Platform) sendCode(w *answer, r *http.Request, a *authorization, s *session) error {
	code, err := p.issueCode(r.Context(), s, a.codeRequest)
	if err != nil {
		return err
	}
	return a.sendBack(w, url.Values{"code": {code}})
}

// sendBack redirects the browser to the app, with the state that the app sent.
func (a *authorization) sendBack(w *answer, params url.Values) error {
	if a.state != "" {
		params.Set("state", a.state)
	}
	return w.redirect(withParams(a.RedirectURI, params))
}
