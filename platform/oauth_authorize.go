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

// An authorization is what an app wants when it sends a browser to the
// authorize page (protocol chapter 4).
type authorization struct {
	codeRequest
	app          App
	state        string
	responseType string
}

// authorize logs the user in, if need be, and sends the browser back to the
// app with a code.
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

// readAuthorization reads what the app wants. Until it has found out that the
// browser may be sent to the app, every error is for the page: else the
// platform would lend its name to whoever wants to lead people astray.
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
	return a, err
}

// errUnregistered is matched when a browser may not be sent to an address.
var errUnregistered = errors.New("platform: the redirect_uri is not registered")

// unregistered refuses an address. How to register it is in the log and, in
// explain mode, on the page of a developer at this machine.
func (p *Platform) unregistered(r *http.Request, c *call, a *authorization) error {
	how := "prismctl app redirect add " + a.app.ID + " '" + shorten(a.RedirectURI, redirectBytes) + "'"
	message := "this redirect_uri is not registered for the app of this client_id: " +
		"let the platform's operator register exactly this address; only the port of 127.0.0.1, [::1] and localhost is free"
	if isRedirectURI(a.RedirectURI) && a.app.ID != "" {
		p.cfg.Logger.Info("a redirect_uri is not registered", slog.String("key", a.Key), slog.String("to register it", how), slog.String("request_id", c.id))
		if p.cfg.Explain && p.local(r, c.caller) {
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

// appFor returns the app of a key; the error matches errUnregistered if its users
// may not be sent to redirect.
func (p *Platform) appFor(ctx context.Context, keyID, redirect string) (App, error) {
	if keyID == "" {
		return App{}, badRequest(code.MissingParameter, "client_id is missing: send the key of the app")
	}
	if redirect == "" {
		return App{}, badRequest(code.MissingParameter, "redirect_uri is missing: send the address of the app to which the browser shall return")
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

// appOf returns the app that a key belongs to; it matches [ErrUnknownKey] or
// [ErrUnknownApp] when there is none.
func (p *Platform) appOf(ctx context.Context, keyID string) (App, error) {
	key, err := p.registry.Key(ctx, keyID)
	if err != nil {
		return App{}, err
	}
	return p.registry.App(ctx, key.App)
}

// challenges are what RFC 7636 lets a code_challenge be.
var challenges = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// problem says what is wrong with a request that the app is told about, in
// the words of RFC 6749.
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

// authorizeKnown lets whoever is logged in pass, and shows all others the
// login page.
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

// sendCode sends the browser back to the app with a code for the user of s.
func (p *Platform) sendCode(w *answer, r *http.Request, a *authorization, s *session) error {
	code, err := p.issueCode(r.Context(), s, a.codeRequest)
	if err != nil {
		return err
	}
	return a.sendBack(w, url.Values{"code": {code}})
}

// sendBack sends the browser back to the app, with what the app sent along to
// know its own request again.
func (a *authorization) sendBack(w *answer, params url.Values) error {
	if a.state != "" {
		params.Set("state", a.state)
	}
	return w.redirect(withParams(a.RedirectURI, params))
}
