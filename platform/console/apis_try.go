package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/sign"
)

const (
	// tryTime bounds a call that is tried; the page has to be written after it.
	tryTime = 20 * time.Second
	// triedBytes is how much of an answer is shown.
	triedBytes = 32 << 10
	masked     = "***"
)

// A tryForm is what a call is made of.
type tryForm struct {
	Key     string     `json:"key"`
	Keys    []string   `json:"keys"` // that are suggested
	Method  string     `json:"method"`
	Sandbox bool       `json:"sandbox"`
	Params  []tryParam `json:"params"`
	More    string     `json:"more"` // further ones: name=value, a line each
	Body    string     `json:"body"`
	Type    string     `json:"type"`             // of the body
	From    string     `json:"from,omitempty"`   // the call that it was filled by
	Masked  []string   `json:"masked,omitempty"` // parameters whose values that call does not show
}

type tryParam struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Required bool   `json:"required"`
	Hint     string `json:"hint,omitempty"`
}

// A tried is the answer to a call that was tried.
type tried struct {
	ID     string      `json:"id"`
	Status int         `json:"status"`
	TookMS float64     `json:"took_ms"`
	Sent   string      `json:"sent"` // method and path
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
	Bytes  int64       `json:"bytes"`
	Cut    bool        `json:"cut,omitempty"`    // Body is the beginning
	Broken bool        `json:"broken,omitempty"` // the answer has broken off
	Binary bool        `json:"binary,omitempty"`
	User   string      `json:"user,omitempty"`    // the login of the token's user
	NoUser bool        `json:"no_user,omitempty"` // the token is none that the key has, so the call had no user
}

// pathNames are the {names} in a path.
func pathNames(path string) (names []string) {
	for element := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(element, "{") && strings.HasSuffix(element, "}") {
			names = append(names, element[1:len(element)-1])
		}
	}
	return names
}

// Choices are the methods that the API takes.
func (p *apiPage) Choices() []string {
	if len(p.Methods) > 0 {
		return p.Methods
	}
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
}

// newTryForm returns an empty form with the documented parameters.
func (p *apiPage) newTryForm() *tryForm {
	form := &tryForm{Method: http.MethodGet}
	if len(p.Methods) > 0 {
		form.Method = p.Methods[0]
	}
	inPath := pathNames(p.Path)
	for _, name := range inPath {
		form.Params = append(form.Params, tryParam{Name: name, Required: true, Hint: "{" + name + "}"})
	}
	for _, param := range p.Params {
		if !slices.Contains(inPath, param.Name) && param.Name != p.Param {
			form.Params = append(form.Params, tryParam{Name: param.Name, Required: param.Required, Hint: param.Type})
		}
	}
	return form
}

// set fills in a value, under More if the parameter is not documented.
func (f *tryForm) set(name, value string) {
	i := slices.IndexFunc(f.Params, func(p tryParam) bool { return p.Name == name })
	switch {
	case strings.Contains(value, masked):
		f.Masked = append(f.Masked, name)
	case i >= 0:
		f.Params[i].Value = value
	case !strings.ContainsAny(name+value, "\r\n"):
		f.More += name + "=" + value + "\n"
	}
}

// prefill fills the form by the last call of the API, which the calls of admin keys know.
func (r *request) prefill(page *apiPage) {
	form := page.newTryForm()
	page.Form = form
	form.Keys = r.recentKeys(page)
	if len(form.Keys) > 0 {
		form.Key = form.Keys[0]
	}
	last := r.lastCalls(url.Values{"service": {page.Service}, "api": {page.API}, "limit": {"20"}})
	if len(last) == 0 {
		return
	}
	var call struct {
		Caller struct {
			Method, URL string
			Header      http.Header
			Body        json.RawMessage
		}
		Sent int64
	}
	if r.get("platform/calls/show", url.Values{"id": {last[0].ID}}, &call) != nil {
		return
	}
	form.From, form.Key = last[0].ID, last[0].Key
	if len(page.Methods) == 0 || slices.Contains(page.Methods, call.Caller.Method) {
		form.Method = call.Caller.Method
	}
	u, err := url.Parse(call.Caller.URL)
	if err != nil {
		return
	}
	form.setPath(page.Path, u.EscapedPath())
	form.setAll(page, u.RawQuery)
	var body string
	if json.Unmarshal(call.Caller.Body, &body) != nil || int64(len(body)) < call.Sent {
		return // it is no text, or not all of it was kept
	}
	if kind := call.Caller.Header.Get("Content-Type"); strings.HasPrefix(kind, formType) {
		form.setAll(page, body)
	} else if body != "" {
		form.Body, form.Type = body, kind
	}
}

// A lastCall is a call that the gateway has had, of a key that has proved itself.
type lastCall struct {
	ID, Key  string
	Unproved bool
}

// lastCalls returns the newest calls first. There are none for who may not list them.
func (r *request) lastCalls(params url.Values) []lastCall {
	var list struct{ Calls []lastCall }
	if !r.administers() || r.get("platform/calls/list", params, &list) != nil {
		return nil
	}
	return slices.DeleteFunc(list.Calls, func(c lastCall) bool { return c.Unproved })
}

const suggestedKeys = 20

// recentKeys returns those that called the service last, or else those of an app that may.
func (r *request) recentKeys(page *apiPage) (keys []string) {
	if !r.administers() {
		return nil
	}
	for _, call := range r.lastCalls(url.Values{"service": {page.Service}, "limit": {"200"}}) {
		if !slices.Contains(keys, call.Key) && len(keys) < suggestedKeys {
			keys = append(keys, call.Key)
		}
	}
	var bound []boundApp
	if len(keys) > 0 || r.get("platform/manageapp/bindlist", url.Values{"api_id": {page.ServiceID}}, &bound) != nil || len(bound) == 0 {
		return keys
	}
	var of []struct{ Key string }
	if r.get("platform/key/list", url.Values{"app_id": {bound[0].App}}, &of) == nil {
		for _, key := range of[:min(len(of), suggestedKeys)] {
			keys = append(keys, key.Key)
		}
	}
	return keys
}

// setPath fills in what a call had in the places of the {names} of a path.
func (f *tryForm) setPath(pattern, path string) {
	names, values := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(names) != len(values) {
		return
	}
	for i, name := range names {
		if strings.HasPrefix(name, "{") && strings.HasSuffix(name, "}") {
			if value, err := url.PathUnescape(values[i]); err == nil {
				f.set(name[1:len(name)-1], value)
			}
		}
	}
}

// reserved are the parameters of the signature, which is made anew.
var reserved = []string{"client_id", "client_secret", "sign", "sign_method", "sign_time"}

// setAll fills in the parameters of a query or form.
func (f *tryForm) setAll(page *apiPage, raw string) {
	params, err := url.ParseQuery(raw)
	if err != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(reserved, name) || name == page.Param {
			continue
		}
		for _, value := range params[name] {
			f.set(name, value)
		}
	}
}

// tryAPI makes a call, signed with the secret of a key that the person administers, and
// shows the answer beside the form as it was typed.
func (r *request) tryAPI() error {
	page, err := r.loadAPI()
	if err != nil {
		return err
	}
	form := page.newTryForm()
	page.Form = form
	for i := range form.Params {
		form.Params[i].Value = r.PostFormValue("p." + form.Params[i].Name)
	}
	form.Key, form.Sandbox, form.More, form.Body, form.Type = r.value("key"), r.value("sandbox") == "1", r.PostFormValue("more"), r.PostFormValue("body"), r.value("type")
	form.Method = r.value("method")
	form.Keys = r.recentKeys(page)
	r.after = map[string]string{"service": page.Service, "api": page.API, "key": form.Key}
	status := http.StatusOK
	if page.Tried, err = r.try(page); err != nil {
		var refused *callError
		if !errors.As(err, &refused) {
			return err
		}
		page.Alert, status = refused.Message, refused.Status
	}
	return r.answer(status, "api", page)
}

func (r *request) try(page *apiPage) (*tried, error) {
	// The person must be able to see the key; the secret is used here and not shown.
	if err := r.get("platform/key/info", url.Values{"key": {page.Form.Key}}, nil); err != nil {
		return nil, err
	}
	key, err := r.c.cfg.Registry.Key(r.Context(), page.Form.Key)
	if errors.Is(err, platform.ErrUnknownKey) {
		err = &callError{Status: http.StatusNotFound, Code: "unknown_key", Message: "the key was deleted meanwhile"}
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), tryTime)
	defer cancel()
	call, err := r.signedCall(ctx, page, key)
	if err != nil {
		return nil, err
	}
	t := r.sendSigned(call)
	if r.accessToken() != "" {
		t.User, t.NoUser = r.tokenUser(ctx, key)
	}
	return t, nil
}

// accessToken returns the token that was typed, with or without the scheme before it.
func (r *request) accessToken() string {
	token := r.value("access_token")
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	return token
}

// tokenUser asks the platform, as the key, for the login of the user of the token. none
// reports whether it said that there is no such user, and not that it cannot tell.
func (r *request) tokenUser(ctx context.Context, key platform.Key) (login string, none bool) {
	const api = "platform/oauth/user"
	page := &apiPage{Form: &tryForm{Method: http.MethodGet}}
	page.Path = r.c.api + "/" + api
	var user struct{ Login string }
	call, err := r.signedCall(ctx, page, key)
	if err != nil {
		return "", false
	}
	answer := &recorder{header: make(http.Header)}
	r.c.cfg.Platform.ServeHTTP(answer, call)
	err = decode(answer, api, &user)
	var refused *callError
	return user.Login, errors.As(err, &refused) && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden)
}

const formType = "application/x-www-form-urlencoded"

// signedCall makes the request of a form, as a client would send it.
func (r *request) signedCall(ctx context.Context, page *apiPage, key platform.Key) (*http.Request, error) {
	f := page.Form
	path, params := page.Path, f.params(page)
	if f.Sandbox && page.SandboxPath != "" {
		path = page.SandboxPath
	}
	for _, name := range pathNames(path) {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(params.Get(name)))
		params.Del(name)
	}
	query, form, kind, body := params, url.Values(nil), "", f.Body
	if writes := f.Method == http.MethodPost || f.Method == http.MethodPut; writes && body == "" {
		query, form, kind = url.Values{}, params, formType
		body = form.Encode()
	} else if body != "" {
		kind = f.Type
		if kind == "" {
			kind = "application/json"
		}
	}
	call, err := http.NewRequestWithContext(ctx, f.Method, "http://"+r.Host+path, strings.NewReader(body))
	if err != nil {
		return nil, &callError{Status: http.StatusBadRequest, Code: "invalid_request", Message: "this is no method or path of HTTP"}
	}
	if body == "" {
		call.Body, call.ContentLength = http.NoBody, 0
	}
	if kind != "" {
		call.Header.Set("Content-Type", kind)
	}
	if token := r.accessToken(); token != "" {
		call.Header.Set("Authorization", "Bearer "+token)
	}
	call.Header.Set("User-Agent", "prism-console")
	query.Set("client_id", key.ID)
	query.Set("sign_method", "md5")
	query.Set("sign_time", strconv.FormatInt(r.c.cfg.Now().Unix(), 10))
	query.Set("sign", sign.Sign(key.Secret, sign.Request{Method: call.Method, Path: call.URL.Path, Header: call.Header, Query: query, Form: form}))
	call.URL.RawQuery = query.Encode()
	call.RemoteAddr, call.RequestURI = callerOf(r.Request).RemoteAddr, call.URL.RequestURI()
	return call, nil
}

// params returns what was typed, without empty values that are not required.
func (f *tryForm) params(page *apiPage) url.Values {
	params := url.Values{}
	for _, p := range f.Params {
		if p.Value != "" || p.Required {
			params.Set(p.Name, p.Value)
		}
	}
	for line := range strings.Lines(f.More) {
		if name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "="); name != "" {
			params.Add(name, value)
		}
	}
	if page.Param != "" {
		params.Set(page.Param, page.API)
	}
	for _, name := range reserved {
		params.Del(name)
	}
	return params
}

// sendSigned lets the platform answer a call as if it had come from outside.
func (r *request) sendSigned(call *http.Request) *tried {
	answer, began := &shortAnswer{recorder: recorder{header: make(http.Header)}}, time.Now()
	broken := false
	func() {
		defer func() {
			if failed := recover(); failed == http.ErrAbortHandler { // as when the answer of the backend ends early
				broken = true
			} else if failed != nil {
				panic(failed)
			}
		}()
		r.c.cfg.Platform.ServeHTTP(answer, call)
	}()
	took := time.Since(began)
	t := &tried{
		ID: answer.header.Get("X-Request-Id"), Status: answer.status, TookMS: float64(took.Round(time.Microsecond)) / float64(time.Millisecond),
		Sent: call.Method + " " + call.URL.EscapedPath(), Header: harmless(answer.header), Bytes: answer.bytes, Broken: broken,
	}
	text := answer.body.Bytes()
	if t.Cut = answer.bytes > int64(len(text)); t.Cut {
		text = wholeText(text)
	}
	if t.Binary = !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0; t.Binary {
		return t
	}
	t.Body = string(text)
	var pretty bytes.Buffer
	if !t.Cut && json.Indent(&pretty, text, "", "  ") == nil {
		t.Body = pretty.String()
	}
	return t
}

// wholeText returns the beginning of a text without a part of a character at its end.
func wholeText(text []byte) []byte {
	for n := range min(utf8.UTFMax, len(text)) {
		if utf8.Valid(text[:len(text)-n]) {
			return text[:len(text)-n]
		}
	}
	return text
}

// harmless returns the header of an answer without what may be a secret.
func harmless(h http.Header) http.Header {
	h = h.Clone()
	for name := range h {
		switch name {
		case "Set-Cookie", "Authorization", "Www-Authenticate", "Proxy-Authenticate":
			h[name] = []string{masked}
		}
	}
	return h
}

// A shortAnswer keeps the beginning of an answer.
type shortAnswer struct {
	recorder
	bytes int64
}

// Write implements http.ResponseWriter.
func (a *shortAnswer) Write(text []byte) (int, error) {
	a.bytes += int64(len(text))
	_, err := a.recorder.Write(text[:min(len(text), triedBytes-a.body.Len())])
	return len(text), err
}
