package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The pages of the last calls: a list, one call with all that is known of it, and a form to
// make it again.

func (c *Console) callRoutes() {
	c.page("/calls", "calls", (*request).callsPage)
	c.mux.HandleFunc("GET "+c.base+"/calls/latest", c.within((*request).latestCall))
	c.page("/calls/{id}", "call", (*request).callPage)
	c.page("/calls/{id}/replay", "replay", (*request).replayPage)
	c.action("/calls/{id}/replay", (*request).replayCall)
}

// A callRow is a call in a list.
type callRow struct {
	ID         string    `json:"id"`
	Time       time.Time `json:"time"`
	App        string    `json:"app"`
	Key        string    `json:"key"`
	User       string    `json:"user,omitempty"`
	Service    string    `json:"service"`
	API        string    `json:"api"`
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Status     int       `json:"status"`
	Code       string    `json:"code,omitempty"`
	Phase      string    `json:"phase,omitempty"`
	TookMS     float64   `json:"took_ms"`
	RemoteAddr string    `json:"remote_addr"`
	Unproved   bool      `json:"unproved,omitempty"`
	Replays    string    `json:"replays,omitempty"`
}

// Failed reports whether the call was refused or failed.
func (c *callRow) Failed() bool {
	return c.Code != "" || c.Status == 0 || c.Status >= http.StatusBadRequest
}

// What returns which API was called.
func (c *callRow) What() string {
	if c.Service != "" {
		return c.Service + "/" + c.API
	}
	return c.Path
}

// A callsPage has some of the last calls, the newest first.
type callsPage struct {
	Filter callsFilter `json:"filter"`
	Calls  []callRow   `json:"calls"`
	Older  string      `json:"older,omitempty"` // the query of the page with the next ones
}

// A callsFilter says which calls are shown; "" stands for all.
type callsFilter struct {
	Key     string `json:"client_id,omitempty"`
	App     string `json:"app,omitempty"`
	Service string `json:"service,omitempty"`
	API     string `json:"api,omitempty"`
	Text    string `json:"q,omitempty"`
	Failed  bool   `json:"failed,omitempty"`
	Before  string `json:"before,omitempty"`
}

func callsFilterIn(q url.Values) callsFilter {
	return callsFilter{
		Key: q.Get("client_id"), App: q.Get("app"), Service: q.Get("service"), API: q.Get("api"),
		Text: q.Get("q"), Failed: q.Get("failed") == "1", Before: q.Get("before"),
	}
}

// Any reports whether the filter leaves calls out.
func (f callsFilter) Any() bool { return f != callsFilter{Before: f.Before} }

// values returns the filter with the names that an address or the platform has for it.
func (f callsFilter) values(key, app, text, before string) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{key: f.Key, app: f.App, "service": f.Service, "api": f.API, text: f.Text, "before": before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Failed {
		q.Set("failed", "1")
	}
	return q
}

func (f callsFilter) query(before string) string {
	return f.values("client_id", "app", "q", before).Encode()
}

// NewestQuery returns the query of the page with the newest calls.
func (p callsPage) NewestQuery() string { return p.Filter.query("") }

func (r *request) listCalls(f callsFilter, limit int) (page callsPage, err error) {
	params := f.values("key", "app_id", "text", f.Before)
	params.Set("limit", strconv.Itoa(limit))
	page.Filter = f
	if err = r.get("platform/calls/list", params, &page); err == nil && page.Older != "" {
		page.Older = f.query(page.Older)
	}
	return page, err
}

func (r *request) callsPage() (any, error) {
	return r.listCalls(callsFilterIn(r.URL.Query()), rowsOfPage)
}

// latestCall answers with the newest call that the query is about, or goes on to its page.
func (r *request) latestCall() error {
	page, err := r.listCalls(callsFilterIn(r.URL.Query()), 1)
	if err != nil {
		return err
	}
	if len(page.Calls) == 0 {
		return &callError{Status: http.StatusNotFound, Code: "unknown_call", Message: "there is no such call among the last ones"}
	}
	if id := page.Calls[0].ID; !wantsJSON(r.Request) {
		http.Redirect(r.w, r.Request, address(r.c.base, "calls", id), http.StatusSeeOther)
		return nil
	}
	call, err := r.showCall(page.Calls[0].ID)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, "call", call)
}

// A callDetail is a call with both of its sides, as platform/calls/show tells it.
type callDetail struct {
	callRow
	DialMS     float64        `json:"dial_ms,omitempty"`
	TLSMS      float64        `json:"tls_ms,omitempty"`
	WaitMS     float64        `json:"wait_ms,omitempty"`
	Sent       int64          `json:"sent"`
	Received   int64          `json:"received"`
	UserAgent  string         `json:"user_agent,omitempty"`
	Message    string         `json:"message,omitempty"`
	ReplayBy   string         `json:"replay_by,omitempty"`
	Steps      []callStep     `json:"steps"`
	Diagnosis  *callDiagnosis `json:"diagnosis,omitempty"`
	Masked     []string       `json:"masked,omitempty"`
	BodyCut    bool           `json:"body_cut,omitempty"`
	Replayable bool           `json:"replayable"`
	Caller     callSide       `json:"caller"`
	Backend    *callSide      `json:"backend"`
}

// A callStep is what the gateway has decided at a step.
type callStep struct {
	Step  string `json:"step"`
	State string `json:"state"`
}

// A callDiagnosis says why a signature is wrong.
type callDiagnosis struct {
	Causes       []string `json:"causes"`
	Explanation  string   `json:"explanation"`
	StringToSign string   `json:"string_to_sign,omitempty"`
}

// A callSide is a request with its answer.
type callSide struct {
	Method       string      `json:"method"`
	URL          string      `json:"url"`
	Header       http.Header `json:"header"`
	Body         callBody    `json:"body"`
	Status       int         `json:"status"`
	AnswerHeader http.Header `json:"answer_header"`
	AnswerBody   callBody    `json:"answer_body"`
}

// A callBody is a text, or an object with bytes in base64.
type callBody []byte

// MarshalJSON writes what is no text in base64.
func (b callBody) MarshalJSON() ([]byte, error) {
	if utf8.Valid(b) {
		return json.Marshal(string(b))
	}
	return json.Marshal(map[string][]byte{"base64": b})
}

// UnmarshalJSON reads both forms.
func (b *callBody) UnmarshalJSON(text []byte) error {
	var coded struct{ Base64 []byte }
	var plain string
	err := json.Unmarshal(text, &plain)
	if *b = []byte(plain); err != nil {
		err = json.Unmarshal(text, &coded)
		*b = coded.Base64
	}
	return err
}

// A callPage is one call with the calls that repeat it.
type callPage struct {
	callDetail
	Again    []callRow `json:"replayed,omitempty"` // the newest first
	Snippets []snippet `json:"snippets"`
}

func (r *request) showCall(id string) (*callPage, error) {
	page := &callPage{}
	if err := r.get("platform/calls/show", url.Values{"id": {id}}, &page.callDetail); err != nil {
		return nil, err
	}
	var again struct{ Calls []callRow }
	if err := r.get("platform/calls/list", url.Values{"replays": {id}}, &again); err != nil {
		return nil, err
	}
	page.Again, page.Snippets = again.Calls, r.snippets(&page.callDetail)
	return page, nil
}

func (r *request) callPage() (any, error) { return r.showCall(r.PathValue("id")) }

// ReplayNow reports whether the call can be made again as it was.
func (c *callDetail) ReplayNow() bool { return c.Replayable && !c.BodyCut && len(c.Masked) == 0 }

// A bar is a part of the time that a call took, in percent of it.
type bar struct {
	Phase     string // of the phrases call.phase.*
	MS        float64
	At, Width float64
}

// Bars returns how long which part took. What is neither connecting nor waiting for the
// backend is the platform's own work, and sending and receiving.
func (c *callDetail) Bars() []bar {
	var bars []bar
	at := 0.0
	add := func(phase string, ms float64) {
		if ms > 0 {
			bars = append(bars, bar{phase, ms, 100 * at / c.TookMS, 100 * ms / c.TookMS})
			at += ms
		}
	}
	if c.TookMS <= 0 {
		return nil
	}
	for _, part := range []bar{{Phase: "dial", MS: c.DialMS}, {Phase: "tls", MS: c.TLSMS}, {Phase: "wait", MS: c.WaitMS}} {
		add(part.Phase, min(part.MS, c.TookMS-at))
	}
	add("rest", c.TookMS-at)
	return bars
}

// replayForm is what the form to make a call again shows.
type replayForm struct {
	Call    *callDetail `json:"call"`
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Header  string      `json:"header"` // a line each
	Body    string      `json:"body"`
	Binary  bool        `json:"binary,omitempty"` // the body is no text, and stays as it is
	Refused *callError  `json:"refused,omitempty"`
}

func (r *request) newReplayForm() (*replayForm, error) {
	page, err := r.showCall(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	c := &page.callDetail
	f := &replayForm{Call: c, Method: c.Caller.Method, Target: withoutProof(c.Caller.URL), Header: headerText(c.Caller.Header, isOfClient)}
	if f.Binary = !utf8.Valid(c.Caller.Body); !f.Binary {
		f.Body = string(c.Caller.Body)
		if isForm(c.Caller.Header) {
			f.Body = withoutProofIn(f.Body)
		}
	}
	return f, nil
}

func (r *request) replayPage() (any, error) { return r.newReplayForm() }

// replayCall makes a call again: as it was, or with what the form has. What was typed stays
// if the platform refuses it.
func (r *request) replayCall() error {
	id := r.PathValue("id")
	params, edited := url.Values{"id": {id}}, r.PostForm.Has("target")
	var err error
	if edited {
		var header string
		header, err = headerIn(r.PostFormValue("header"))
		params.Set("method", r.value("method"))
		params.Set("target", r.value("target"))
		params.Set("header", header)
		if r.PostForm.Has("body") {
			params.Set("body", r.body())
		}
	}
	var made struct {
		ID     string `json:"id"`
		Status int    `json:"status"`
	}
	if err == nil {
		err = r.post("platform/calls/replay", params, &made)
	}
	r.before, r.after = map[string]any{"call": id}, map[string]any{"call": made.ID, "status": made.Status}
	var refused *callError
	if errors.As(err, &refused) && !wantsJSON(r.Request) {
		return r.showRefused(refused, edited)
	}
	if err != nil {
		return err
	}
	if wantsJSON(r.Request) {
		return r.answer(http.StatusOK, "", map[string]any{"location": address(r.c.base, "calls", made.ID), "id": made.ID, "status": made.Status})
	}
	http.Redirect(r.w, r.Request, address(r.c.base, "calls", made.ID)+"?done=call.replayed", http.StatusSeeOther)
	return nil
}

// body returns the body that was typed. Browsers send line breaks as CRLF; a body that is
// meant so is rare.
func (r *request) body() string {
	return strings.ReplaceAll(r.PostFormValue("body"), "\r\n", "\n")
}

func (r *request) showRefused(refused *callError, edited bool) error {
	f, err := r.newReplayForm()
	if err != nil {
		return err
	}
	r.after = map[string]any{"refused": refused.Code}
	if f.Refused = refused; edited {
		f.Method, f.Target, f.Header, f.Body = r.value("method"), r.value("target"), r.PostFormValue("header"), r.body()
	}
	return r.answer(max(refused.Status, http.StatusBadRequest), "replay", f)
}
