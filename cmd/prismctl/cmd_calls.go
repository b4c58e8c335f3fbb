package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type callsCmd struct {
	Tail  callsTailCmd  `cmd:"" help:"Show the last calls, and those that come."`
	Show  callsShowCmd  `cmd:"" help:"Show a call with both of its sides."`
	Stats callsStatsCmd `cmd:"" help:"Count calls by app, key or API."`
}

// Help teaches by example.
func (*callsCmd) Help() string {
	return `What has gone through the gateway, of the domain of an admin key. The last calls are in the memory of the process that answers; statistics are of all processes. Secrets are masked.

    prismctl calls tail --follow --failed
    prismctl calls show KNX2J5VHC6ZQ4LRT
    prismctl calls stats --by key --past 24h`
}

type callsTailCmd struct {
	connection
	Follow  bool   `short:"f" help:"Go on with the calls that come, until Ctrl-C."`
	Count   int    `short:"n" name:"count" placeholder:"N" default:"20" help:"At most this many of the last ones (${default})."`
	Client  string `placeholder:"CLIENT-ID" help:"Only calls of this key."`
	App     string `placeholder:"APP" help:"Only calls of this app."`
	Service string `placeholder:"PREFIX" help:"Only calls to this service."`
	API     string `name:"api" placeholder:"ID" help:"Only calls to this API."`
	Failed  bool   `help:"Only calls that were refused or failed."`
}

// Validate is called for the flags.
func (c *callsTailCmd) Validate() error {
	if c.Count < 1 || c.Count > 200 {
		return errors.New("-n must be 1 to 200")
	}
	return nil
}

// followEvery is how often it is asked for calls that came.
const followEvery = time.Second

// Run shows calls, the newest last.
func (c *callsTailCmd) Run(ctx context.Context, t *tool) error {
	filter := admin.CallFilter{Key: c.Client, App: c.App, Service: c.Service, API: c.API, Failed: c.Failed}
	return c.provision(ctx, t, func(ctx context.Context, a *admin.Client) error {
		calls, cursor, err := a.Calls(ctx, filter, c.Count)
		if err != nil {
			return err
		}
		slices.Reverse(calls)
		if err := t.printCalls(calls, true); err != nil || !c.Follow {
			return err
		}
		for {
			select {
			case <-time.After(followEvery):
			case <-ctx.Done():
				return ctx.Err()
			}
			if calls, cursor, err = a.CallsAfter(ctx, cursor, filter, 200); err != nil {
				return err
			}
			if err := t.printCalls(calls, false); err != nil {
				return err
			}
		}
	})
}

// A callLine is a call in JSON.
type callLine struct {
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
}

func newCallLine(c *admin.Call) callLine {
	return callLine{c.ID, c.Time, c.App, c.Key, c.User, c.Service, c.API, c.Method, c.Path, c.Status, c.Code, c.Phase, inMS(c.Took), c.RemoteAddr}
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Columns of a call; with two spaces between them and the API they fill a screen.
const (
	callIDWidth  = 26
	callKeyWidth = 12
)

// printCalls prints one call a line. All lines have the same columns, as more may come.
func (t *tool) printCalls(calls []admin.Call, first bool) error {
	if t.Output == asJSON {
		return printEach(calls, func(c admin.Call) error { return t.printJSON(newCallLine(&c)) })
	}
	line := func(at, status, took, key, id, api string) error {
		left := words.Padded(at, 10) + words.Padded(status, 5) + words.Padded(took, 8) + words.Padded(key, callKeyWidth+2) + words.Padded(id, callIDWidth+2)
		return t.println("%s%s", left, words.Fitting(api, screenWidth-words.Width(left)))
	}
	if first {
		if err := line("TIME", "", "TOOK", "KEY", "ID", "API"); err != nil {
			return err
		}
	}
	return printEach(calls, func(c admin.Call) error {
		api := c.Path
		if c.Service != "" {
			api = c.Service + "/" + c.API
		}
		return line(c.Time.Local().Format(time.TimeOnly), strconv.Itoa(c.Status), shortTook(c.Took), words.Fitting(textOr(c.Key, "-"), callKeyWidth), words.Fitting(c.ID, callIDWidth), api)
	})
}

// shortTook is a duration in six columns.
func shortTook(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0fms", inMS(d))
	}
	return fmt.Sprintf("%.1fms", inMS(d))
}

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
	DialMS    float64       `json:"dial_ms"`
	TLSMS     float64       `json:"tls_ms"`
	WaitMS    float64       `json:"wait_ms"`
	Sent      int64         `json:"sent"`
	Received  int64         `json:"received"`
	UserAgent string        `json:"user_agent"`
	Caller    *callSideLine `json:"caller"`
	Backend   *callSideLine `json:"backend"`
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
	return callDetailLine{newCallLine(&c.Call), inMS(c.Dial), inMS(c.TLS), inMS(c.Wait), c.Sent, c.Received, c.UserAgent, newCallSideLine(&c.Caller), newCallSideLine(c.Backend)}
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

func (t *tool) printCall(c *admin.CallDetail) error {
	rows := [][]string{
		{"time", timeOr(c.Time, "-")}, {"took", c.Took.String()}, {"key", textOr(c.Key, "-") + " of " + textOr(c.App, "-")},
		{"api", textOr(c.Service, "-") + " " + words.Shown(c.API)}, {"status", strconv.Itoa(c.Status) + " " + words.Shown(cmp.Or(c.Code, http.StatusText(c.Status)))},
		{"from", words.Shown(c.RemoteAddr)},
	}
	if c.Backend != nil {
		rows = append(rows, []string{"backend", fmt.Sprintf("dial %v, tls %v, wait %v", c.Dial, c.TLS, c.Wait)})
	}
	if c.Phase != "" {
		rows = append(rows, []string{"failed in", words.Shown(c.Phase)})
	}
	if err := t.printTable(rows); err != nil {
		return err
	}
	if err := t.printSide("caller", &c.Caller); err != nil || c.Backend == nil {
		return err
	}
	return t.printSide("backend", c.Backend)
}

// printSide prints a request and its answer, much as they went over the wire.
func (t *tool) printSide(name string, s *admin.CallSide) error {
	for _, part := range []struct {
		title  string
		header http.Header
		body   []byte
	}{
		{s.Method + " " + s.URL, s.Header, s.Body},
		{strconv.Itoa(s.Status) + " " + http.StatusText(s.Status), s.AnswerHeader, s.AnswerBody},
	} {
		if err := t.println("\n%s: %s", name, words.Shown(part.title)); err != nil {
			return err
		}
		var names []string
		for name := range part.header {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if err := t.println("%s: %s", words.Shown(name), words.Shown(strings.Join(part.header[name], ", "))); err != nil {
				return err
			}
		}
		if len(part.body) > 0 {
			if err := t.println("\n%s", words.Shown(string(part.body))); err != nil {
				return err
			}
		}
	}
	return nil
}

type callsStatsCmd struct {
	connection
	By     string        `enum:"app,key,api" default:"api" placeholder:"WHAT" help:"Count by app, key or api (${default})."`
	Name   string        `placeholder:"NAME" help:"Only this app, key, or API, which is PREFIX/ID."`
	Past   time.Duration `default:"1h" placeholder:"TIME" help:"Of so much time until now (${default}), at most 720h."`
	Bucket string        `enum:"minute,hour,total" default:"total" placeholder:"SIZE" help:"One line for each minute or hour, or one in total (${default})."`
}

// Validate is called for the flags.
func (c *callsStatsCmd) Validate() error {
	if c.Past < time.Minute || c.Past > 30*24*time.Hour {
		return errors.New("--past must be 1m to 720h")
	}
	return nil
}

// A statsLine is what was counted in a time, in JSON.
type statsLine struct {
	Name    string    `json:"name"`
	Time    time.Time `json:"time"`
	Calls   int64     `json:"calls"`
	Refused int64     `json:"refused"`
	Limited int64     `json:"limited"`
	Failed  int64     `json:"failed"`
	P50MS   float64   `json:"p50_ms"`
	P99MS   float64   `json:"p99_ms"`
}

// Run counts.
func (c *callsStatsCmd) Run(ctx context.Context, t *tool) error {
	var all []admin.CallStats
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		all, err = a.CallStats(ctx, admin.StatsQuery{By: c.By, Name: c.Name, From: time.Now().Add(-c.Past), Bucket: c.Bucket})
		return err
	})
	if err != nil {
		return err
	}
	rows := screenTable{{"SINCE", "CALLS", "REFUSED", "LIMITED", "FAILED", "P50", "P99", strings.ToUpper(c.By)}}
	for _, s := range all {
		for _, p := range s.Points {
			if t.Output == asJSON {
				if err := t.printJSON(statsLine{s.Name, p.Start, p.Calls, p.Refused, p.Limited, p.Failed, inMS(p.P50), inMS(p.P99)}); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{p.Start.Local().Format("01-02 15:04"), number(p.Calls), number(p.Refused), number(p.Limited), number(p.Failed), shortTook(p.P50), shortTook(p.P99), s.Name})
		}
	}
	if t.Output == asJSON {
		return nil
	}
	rows.fitLast(0)
	return t.printTable(rows)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
