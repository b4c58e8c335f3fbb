package platform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
)

// A call is one request on its way through the platform.
type call struct {
	id       string
	began    time.Time
	method   string
	sandbox  bool // api is below the base path of the sandbox
	caller   caller
	api      string     // path below the base path; "" outside of it
	oauth    string     // path below the OAuth server's; "" outside of it
	tail     string     // the last element of the path, for an API that takes one
	key      storedKey  // set once the caller is verified
	secret   string     // the secret that the caller has proved to know
	sign     string     // of the caller; "" in secret mode
	app      *App       // of key
	holder   *holder    // key and app as they were read
	person   *Person    // in whose name a program calls; nil if the caller has a key
	claimed  *holder    // those that an unverified caller names; nil if there are none
	codes    ErrorCodes // of key, which may not be verified
	user     User       // the user of the call's access token; none without a valid one
	query    url.Values
	form     url.Values // nil when the body is not a form
	noBody   bool
	inFlight int64     // bytes of the form
	formed   []byte    // the first of them, for the record of a call through the gateway
	rawForm  []byte    // all of them if they are few, until the caller is verified
	causes   []string  // of a wrong signature
	why      string    // the same for people; "" if it was not looked for
	said     string    // why it was refused, for the record of it
	passage  *passage  // through the gateway; nil for other calls
	answer   int64     // bytes of an answer that may be large
	count    *keyCount // that of the key, once answer is counted
	cause    error     // why it was refused, for the log alone; nil if the code says it all
	observed bool
}

// params returns the call's own parameters, those of the form first.
func (c *call) params() url.Values {
	own := make(url.Values, len(c.form)+len(c.query))
	for _, part := range []url.Values{c.form, c.query} {
		for name, values := range part {
			own[name] = append(own[name], values...)
		}
	}
	maps.DeleteFunc(own, func(name string, _ []string) bool { return apijson.Reserved(name) })
	return own
}

// secretParams are the parameters of APIs that hooks do not see.
var secretParams = map[string][]string{
	"platform/user/password":          {"password_hash"},
	"platform/manageuser/create":      {"password"},
	"platform/service/config/set":     {"value"},
	"platform/manageapi/node/add":     {"data"},
	"platform/manageoauth/config/set": {"config"},
}

// shown returns the parameters that hooks may see. Parameters of the OAuth server may
// be secret, such as passwords, so hooks see only the few that are not.
func (c *call) shown() url.Values {
	own := c.params()
	if c.oauth == "" {
		for _, name := range secretParams[c.api] {
			delete(own, name)
		}
		return own
	}
	for name := range own {
		if !slices.Contains([]string{"grant_type", "redirect_uri", "response_type"}, name) {
			delete(own, name)
		}
	}
	return own
}

// public returns what hooks may know of the call.
func (c *call) public(r *http.Request) Call {
	public := Call{
		RequestID:  c.id,
		Method:     r.Method,
		Path:       r.URL.Path,
		API:        c.api,
		Key:        c.key.ID,
		App:        c.key.App,
		UserID:     c.user.ID,
		Params:     c.shown(),
		RemoteAddr: c.caller.remote,
		UserAgent:  r.UserAgent(),
	}
	if c.passage != nil {
		public.Service, public.MethodID = c.passage.service, c.passage.methodID()
	}
	return public
}

// limitBody ends the reading of the body after BodyTimeout, or formGrace for the
// beginning of a form. It does so for a body that no API reads, too: net/http reads it
// to its end before it answers, for as long as the caller likes.
func (p *Platform) limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		patience := p.cfg.BodyTimeout
		if isForm(r) {
			patience = min(patience, formGrace)
		}
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience)) // where there are no deadlines, the server's own limits have to do
	}
}

// readParams reads the query and, for POST and PUT, the form into c.
func (p *Platform) readParams(w http.ResponseWriter, r *http.Request, c *call) error {
	var err error
	c.noBody = r.ContentLength == 0
	if c.query, err = parseParams(r.URL.RawQuery, p.cfg.Limits.Parameters); err != nil {
		return badRequest(code.InvalidQuery, "the query of the URL "+err.Error())
	}
	if !isForm(r) {
		return nil // what is called decides how large it may be
	}
	if limit := p.cfg.Limits.RequestBody; r.ContentLength > limit {
		return bodyTooLarge(limit)
	}
	if err := p.foresee(r, c); err != nil {
		w.Header().Set("Connection", "close") // or net/http would read the form
		return err
	}
	return p.readForm(w, r, c)
}

// boundBody refuses a body that is larger than all but the backends of services get, and
// ends the reading of one that turns out to be.
func (p *Platform) boundBody(r *http.Request, c *call) error {
	if c.form != nil {
		return nil
	}
	limit := p.cfg.Limits.RequestBody
	if r.ContentLength > limit {
		return bodyTooLarge(limit)
	}
	r.Body = http.MaxBytesReader(nil, r.Body, limit)
	return nil
}

// foresee refuses a large form before it is read, if the query shows that the call
// cannot be valid.
func (p *Platform) foresee(r *http.Request, c *call) error {
	const small = 16 << 10
	id := c.query.Get("client_id")
	if id == "" || p.oauthPage(c.oauth) != nil || 0 <= r.ContentLength && r.ContentLength <= small {
		return nil
	}
	h, err := p.lookUp(r.Context(), id)
	switch {
	case err != nil:
		return p.disproved(c, "", err)
	case h.app.Disabled:
		return appDisabled()
	case h.expired(p.cfg.Now()):
		return keyExpired()
	case c.query.Has("sign_time"):
		return p.checkTime(c.query.Get("sign_time"))
	}
	return nil
}

func (p *Platform) readForm(w http.ResponseWriter, r *http.Request, c *call) error {
	form := p.arriving.begin(w, http.MaxBytesReader(nil, r.Body, p.cfg.Limits.RequestBody), c, p.cfg.BodyTimeout)
	body, err := io.ReadAll(form)
	if !p.arriving.end(form) {
		err = overloaded()
	}
	if err == nil && !p.forms.reserve(int64(len(body))) {
		err = overloaded()
	}
	if err != nil {
		// The rest of the body may never come: the server must not wait for it.
		w.Header().Set("Connection", "close")
		return bodyFailure(err)
	}
	c.inFlight = int64(len(body))
	if _, own := p.find(c); !own && c.oauth == "" {
		c.formed = bytes.Clone(body[:min(len(body), p.cfg.Gateway.keep())])
	}
	if len(body) <= diagnosable {
		c.rawForm = body
	}
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	if c.form, err = parseParams(string(body), p.cfg.Limits.Parameters); err != nil {
		return badRequest(code.InvalidForm, "the form in the body "+err.Error())
	}
	return nil
}

// isForm reports whether the body has parameters. Any other body is left to the backend
// and is not part of the signature.
func isForm(r *http.Request) bool {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return false
	}
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

// parseParams decodes name=value pairs. Unlike [url.ParseQuery] it takes a semicolon
// for an ordinary character, as SDKs that do not escape send it, and stops at limit.
func parseParams(raw string, limit int) (url.Values, error) {
	params := make(url.Values)
	count := 0
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if count++; count > limit {
			return nil, fmt.Errorf("has more than %d parameters", limit)
		}
		name, value, err := parsePair(pair)
		if err != nil {
			return nil, err
		}
		params[name] = append(params[name], value)
	}
	return params, nil
}

func parsePair(pair string) (name, value string, err error) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	if name, err = url.QueryUnescape(rawName); err != nil {
		return "", "", fmt.Errorf("has a parameter name with a bad escape: a %% must be followed by two hex digits")
	}
	if value, err = url.QueryUnescape(rawValue); err != nil {
		return "", "", fmt.Errorf("has a bad escape in the value of %q: a %% must be followed by two hex digits", shorten(name, 48))
	}
	return name, value, nil
}

// bodyFailure returns the failure for a body that could not be read.
func bodyFailure(err error) error {
	var big *http.MaxBytesError
	var refused *failure
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &big):
		return bodyTooLarge(big.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &failure{status: http.StatusRequestTimeout, code: code.RequestTimeout, message: "the body of the request did not arrive in time"}
	}
	return badRequest(code.InvalidBody, "the body of the request ended early")
}

func bodyTooLarge(limit int64) error {
	return &failure{
		status:  http.StatusRequestEntityTooLarge,
		code:    code.RequestTooLarge,
		message: fmt.Sprintf("the body of the request is larger than %d bytes", limit),
	}
}
