package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/shopex/prism-go"
)

// A Call is one call through the gateway, or one that was refused before: because it did not
// prove to be by the key that it names, also of the platform's own APIs.
type Call struct {
	ID           string // of the request
	Time         time.Time
	App, Key     string
	User         string // of its access token; empty without one
	Service, API string // prefix and method ID; empty if none was found
	Method, Path string
	Status       int
	Code         string // of the platform's refusal; empty for the answer of a backend
	Phase        string // in which a call to the backend failed
	Took         time.Duration
	RemoteAddr   string
	Unproved     bool   // whoever called has not proved to have the key
	Replays      string // the ID of the call that this one repeats; empty for others
}

// A CallFilter says which calls are meant: those that agree with each field that is not
// zero.
type CallFilter struct {
	Key, App, Service, API string
	Replays                string    // the ID of the call that they repeat
	Text                   string    // that an ID, a name, the path or the address contains, in any case
	Failed                 bool      // refused, or answered with 400 or more
	Since                  time.Time // to the second
}

func (f *CallFilter) params() prism.Params {
	params := prism.Params{}
	setText(params, "key", f.Key)
	setText(params, "app_id", f.App)
	setText(params, "service", f.Service)
	setText(params, "api", f.API)
	setText(params, "replays", f.Replays)
	setText(params, "text", f.Text)
	if f.Failed {
		params["failed"] = 1
	}
	setTime(params, "since", f.Since)
	return params
}

func setTime(params prism.Params, name string, at time.Time) {
	if !at.IsZero() {
		params[name] = at.Unix()
	}
}

// Calls returns at most n (up to 200; 0 is 50) of the last calls of the domain, the newest
// first, and a cursor for [Client.CallsAfter]. The platform keeps a number of calls in
// memory; of several processes the one that answers tells of its own.
func (c *Client) Calls(ctx context.Context, f CallFilter, n int) (calls []Call, cursor string, err error) {
	return c.listCalls(ctx, f.params(), n)
}

// CallsAfter returns at most n (up to 200; 0 is 50) of the calls that came after those
// with which cursor was returned, the oldest first, and the next cursor. If the cursor is
// of an earlier start of the platform, it begins with the oldest call that is kept.
func (c *Client) CallsAfter(ctx context.Context, cursor string, f CallFilter, n int) (calls []Call, next string, err error) {
	if cursor == "" {
		return nil, "", errors.New("admin: the cursor is empty: Calls returns the first one")
	}
	params := f.params()
	params["after"] = cursor
	return c.listCalls(ctx, params, n)
}

func (c *Client) listCalls(ctx context.Context, params prism.Params, n int) ([]Call, string, error) {
	if n != 0 {
		params["limit"] = n
	}
	var doc struct {
		Calls  []callDoc
		Cursor string
	}
	if err := c.get(ctx, "platform/calls/list", params, &doc); err != nil {
		return nil, "", err
	}
	calls := make([]Call, len(doc.Calls))
	for i := range doc.Calls {
		calls[i] = doc.Calls[i].call()
	}
	return calls, doc.Cursor, nil
}

// A CallDetail is a call with both of its sides. What is secret in it is masked.
type CallDetail struct {
	Call
	Dial, TLS      time.Duration // 0 on a connection that was there
	Wait           time.Duration // from the end of the request to the header of the backend's answer
	Sent, Received int64         // bytes of the bodies, from and to the caller
	UserAgent      string
	Message        string         // of the refusal
	ReplayBy       string         // who has repeated a call so
	Steps          []CallStep     // of the gateway, in their order
	Diagnosis      *CallDiagnosis // of a wrong signature
	Masked         []string       // what of the caller's request is masked, such as "header Cookie"
	BodyCut        bool           // the caller's body is not here, or only its beginning
	Replayable     bool           // by Client.Replay: it was for a service
	Caller         CallSide
	Backend        *CallSide // nil if the call was not sent
}

// A CallStep is what the gateway has decided at a step.
type CallStep struct {
	Step  string `json:"step"`  // signature, token, api, permission, online, limit, user, parameters, backend
	State string `json:"state"` // passed, refused, or skipped behind a refusal
}

// A CallDiagnosis says why a signature is wrong.
type CallDiagnosis struct {
	Causes       []string `json:"causes"` // as docs/signing.md names them
	Explanation  string   `json:"explanation"`
	StringToSign string   `json:"string_to_sign"` // as the platform has it, masked; empty if the form is not kept whole
}

// A CallSide is a request with its answer. Of the bodies it has the first bytes.
type CallSide struct {
	Method, URL  string
	Header       http.Header
	Body         []byte
	Status       int
	AnswerHeader http.Header
	AnswerBody   []byte
}

// Call returns one of the last calls by the ID of its request. The error matches
// [prism.ErrNotFound] if the process that answers does not have it, or no more.
func (c *Client) Call(ctx context.Context, id string) (*CallDetail, error) {
	var doc callDetailDoc
	if err := c.get(ctx, "platform/calls/show", prism.Params{"id": id}, &doc); err != nil {
		return nil, err
	}
	return doc.detail(), nil
}

// A Replay is what [Client.Replay] sends in place of what the call had. What is zero is as it
// was.
type Replay struct {
	Method string
	Target string      // the path with its query
	Header http.Header // all of it
	Body   []byte      // nil is the one that it had
}

// Replay makes a call to a service again, with the same key, signed anew, and returns the ID
// and the status of the call that it made. What is masked in the call has to be given anew.
func (c *Client) Replay(ctx context.Context, id string, r Replay) (made string, status int, err error) {
	params := prism.Params{"id": id}
	setText(params, "method", r.Method)
	setText(params, "target", r.Target)
	if r.Header != nil {
		header, err := json.Marshal(r.Header)
		if err != nil {
			return "", 0, err
		}
		params["header"] = string(header)
	}
	if r.Body != nil {
		params["body_base64"] = base64.StdEncoding.EncodeToString(r.Body)
	}
	var doc struct {
		ID     string `json:"id"`
		Status int    `json:"status"`
	}
	err = c.post(ctx, "platform/calls/replay", params, &doc)
	return doc.ID, doc.Status, err
}

// A StatsQuery says which statistics are wanted.
type StatsQuery struct {
	By       string // app, key or api; empty is api; all is one of all APIs together
	Name     string // of one app, key or API, as "prefix/method-id"; empty is all
	From, To time.Time
	// Bucket is minute or hour for parts of the time that there are counts for; empty is
	// one for the whole time.
	Bucket string
}

// CallStats are the statistics of an app, a key or an API, or, without a name, of all APIs.
type CallStats struct {
	Name   string
	Points []CallPoint // those with calls, in their order
}

// A CallPoint is what was counted in a time.
type CallPoint struct {
	Start                           time.Time
	Calls, Refused, Limited, Failed int64         // Refused are 400 to 499, Failed 500 and more
	P50, P99                        time.Duration // of the time to answer, within a third
}

// CallStats returns statistics of the domain: of all processes, of which others than the
// one that answers may be five minutes behind. If From is zero, they begin an hour before
// To, which is now if it is zero. There are minutes for a day, and hours for 30 days.
func (c *Client) CallStats(ctx context.Context, q StatsQuery) ([]CallStats, error) {
	params := prism.Params{}
	setText(params, "by", q.By)
	setText(params, "name", q.Name)
	setText(params, "bucket", q.Bucket)
	setTime(params, "from", q.From)
	setTime(params, "to", q.To)
	var docs []callStatsDoc
	if err := c.get(ctx, "platform/calls/stats", params, &docs); err != nil {
		return nil, err
	}
	all := make([]CallStats, len(docs))
	for i := range docs {
		all[i] = docs[i].stats()
	}
	return all, nil
}
