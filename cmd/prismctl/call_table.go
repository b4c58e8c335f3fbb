package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

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
	Unproved   bool      `json:"unproved,omitempty"`
	Replays    string    `json:"replays,omitempty"`
}

func newCallLine(c *admin.Call) callLine {
	return callLine{c.ID, c.Time, c.App, c.Key, c.User, c.Service, c.API, c.Method, c.Path, c.Status, c.Code, c.Phase, inMS(c.Took), c.RemoteAddr, c.Unproved, c.Replays}
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
