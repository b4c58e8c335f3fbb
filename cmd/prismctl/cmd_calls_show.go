package main

import (
	"context"
	"net/http"

	"github.com/shopex/prism-go/admin"
)

type callsShowCmd struct {
	connection
	ID string `arg:"" name:"id" help:"The ID of the request: X-Request-Id of the answer."`
}

// Run shows a call.
func (c *callsShowCmd) Run(ctx context.Context, t *tool) error {
	return c.provision(ctx, t, func(ctx context.Context, a *admin.Client) error {
		call, err := a.Call(ctx, c.ID)
		if err != nil {
			return err
		}
		if t.Output == asJSON {
			return t.printJSON(newCallDetailLine(call))
		}
		return t.printCall(call)
	})
}

type callDetailLine struct {
	callLine
	DialMS    float64              `json:"dial_ms"`
	TLSMS     float64              `json:"tls_ms"`
	WaitMS    float64              `json:"wait_ms"`
	Sent      int64                `json:"sent"`
	Received  int64                `json:"received"`
	UserAgent string               `json:"user_agent"`
	Message   string               `json:"message,omitempty"`
	ReplayBy  string               `json:"replay_by,omitempty"`
	Steps     []admin.CallStep     `json:"steps"`
	Diagnosis *admin.CallDiagnosis `json:"diagnosis,omitempty"`
	Masked    []string             `json:"masked,omitempty"`
	BodyCut   bool                 `json:"body_cut,omitempty"`
	Caller    *callSideLine        `json:"caller"`
	Backend   *callSideLine        `json:"backend"`
}

type callSideLine struct {
	Method           string      `json:"method"`
	URL              string      `json:"url"`
	Header           http.Header `json:"header"`
	Body             *string     `json:"body,omitempty"`
	BodyBase64       []byte      `json:"body_base64,omitempty"`
	Status           int         `json:"status"`
	AnswerHeader     http.Header `json:"answer_header"`
	AnswerBody       *string     `json:"answer_body,omitempty"`
	AnswerBodyBase64 []byte      `json:"answer_body_base64,omitempty"`
}

func newCallDetailLine(c *admin.CallDetail) callDetailLine {
	return callDetailLine{
		newCallLine(&c.Call), inMS(c.Dial), inMS(c.TLS), inMS(c.Wait), c.Sent, c.Received, c.UserAgent,
		c.Message, c.ReplayBy, c.Steps, c.Diagnosis, c.Masked, c.BodyCut, newCallSideLine(&c.Caller), newCallSideLine(c.Backend),
	}
}

func newCallSideLine(s *admin.CallSide) *callSideLine {
	if s == nil {
		return nil
	}
	line := &callSideLine{Method: s.Method, URL: s.URL, Header: s.Header, Status: s.Status, AnswerHeader: s.AnswerHeader}
	line.Body, line.BodyBase64 = bodyIn(s.Body)
	line.AnswerBody, line.AnswerBodyBase64 = bodyIn(s.AnswerBody)
	return line
}
