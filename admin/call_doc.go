package admin

import (
	"encoding/json"
	"net/http"
	"time"
)

// A callDoc is a call in the members of the platform's answer.
type callDoc struct {
	ID         string    `json:"id"`
	Time       time.Time `json:"time"`
	App        string    `json:"app"`
	Key        string    `json:"key"`
	User       string    `json:"user"`
	Service    string    `json:"service"`
	API        string    `json:"api"`
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Status     int       `json:"status"`
	Code       string    `json:"code"`
	Phase      string    `json:"phase"`
	TookMS     float64   `json:"took_ms"`
	RemoteAddr string    `json:"remote_addr"`
	Unproved   bool      `json:"unproved"`
	Replays    string    `json:"replays"`
}

func (d *callDoc) call() Call {
	return Call{
		ID: d.ID, Time: d.Time, App: d.App, Key: d.Key, User: d.User, Service: d.Service, API: d.API,
		Method: d.Method, Path: d.Path, Status: d.Status, Code: d.Code, Phase: d.Phase, Took: ofMS(d.TookMS), RemoteAddr: d.RemoteAddr,
		Unproved: d.Unproved, Replays: d.Replays,
	}
}

func ofMS(ms float64) time.Duration {
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Microsecond)
}

type callDetailDoc struct {
	callDoc
	DialMS     float64        `json:"dial_ms"`
	TLSMS      float64        `json:"tls_ms"`
	WaitMS     float64        `json:"wait_ms"`
	Sent       int64          `json:"sent"`
	Received   int64          `json:"received"`
	UserAgent  string         `json:"user_agent"`
	Message    string         `json:"message"`
	ReplayBy   string         `json:"replay_by"`
	Steps      []CallStep     `json:"steps"`
	Diagnosis  *CallDiagnosis `json:"diagnosis"`
	Masked     []string       `json:"masked"`
	BodyCut    bool           `json:"body_cut"`
	Replayable bool           `json:"replayable"`
	Caller     callSide       `json:"caller"`
	Backend    *callSide      `json:"backend"`
}

func (d *callDetailDoc) detail() *CallDetail {
	detail := &CallDetail{
		Call: d.call(), Dial: ofMS(d.DialMS), TLS: ofMS(d.TLSMS), Wait: ofMS(d.WaitMS),
		Sent: d.Sent, Received: d.Received, UserAgent: d.UserAgent, Caller: d.Caller.side(),
		Message: d.Message, ReplayBy: d.ReplayBy, Steps: d.Steps, Diagnosis: d.Diagnosis, Masked: d.Masked, BodyCut: d.BodyCut, Replayable: d.Replayable,
	}
	if d.Backend != nil {
		backend := d.Backend.side()
		detail.Backend = &backend
	}
	return detail
}

type callSide struct {
	Method       string      `json:"method"`
	URL          string      `json:"url"`
	Header       http.Header `json:"header"`
	Body         callBody    `json:"body"`
	Status       int         `json:"status"`
	AnswerHeader http.Header `json:"answer_header"`
	AnswerBody   callBody    `json:"answer_body"`
}

func (s *callSide) side() CallSide {
	return CallSide{Method: s.Method, URL: s.URL, Header: s.Header, Body: s.Body, Status: s.Status, AnswerHeader: s.AnswerHeader, AnswerBody: s.AnswerBody}
}

// A callBody is a text, or an object with bytes in base64.
type callBody []byte

func (b *callBody) UnmarshalJSON(text []byte) error {
	var coded struct{ Base64 []byte }
	if text[0] == '{' {
		err := json.Unmarshal(text, &coded)
		*b = coded.Base64
		return err
	}
	var plain string
	err := json.Unmarshal(text, &plain)
	*b = []byte(plain)
	return err
}

type callStatsDoc struct {
	Name   string `json:"name"`
	Points []struct {
		Time    int64   `json:"time"`
		Calls   int64   `json:"calls"`
		Refused int64   `json:"refused"`
		Limited int64   `json:"limited"`
		Failed  int64   `json:"failed"`
		P50MS   float64 `json:"p50_ms"`
		P99MS   float64 `json:"p99_ms"`
	} `json:"points"`
}

func (d *callStatsDoc) stats() CallStats {
	s := CallStats{Name: d.Name, Points: make([]CallPoint, len(d.Points))}
	for i, p := range d.Points {
		s.Points[i] = CallPoint{
			Start: time.Unix(p.Time, 0), Calls: p.Calls, Refused: p.Refused, Limited: p.Limited, Failed: p.Failed,
			P50: ofMS(p.P50MS), P99: ofMS(p.P99MS),
		}
	}
	return s
}
