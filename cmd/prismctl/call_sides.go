package main

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

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
	if c.Message != "" {
		rows = append(rows, []string{"because", words.Shown(c.Message)})
	}
	if c.Replays != "" {
		rows = append(rows, []string{"repeats", words.Shown(c.Replays) + ", by " + words.Shown(c.ReplayBy)})
	}
	if len(c.Steps) > 0 {
		rows = append(rows, []string{"steps", stepsText(c.Steps)})
	}
	if d := c.Diagnosis; d != nil {
		rows = append(rows, []string{"causes", words.Shown(strings.Join(d.Causes, ", "))}, []string{"why", words.Shown(d.Explanation)})
		if d.StringToSign != "" {
			rows = append(rows, []string{"to sign", words.Shown(d.StringToSign)})
		}
	}
	if err := t.printTable(rows); err != nil {
		return err
	}
	if err := t.printSide("caller", &c.Caller); err != nil || c.Backend == nil {
		return err
	}
	return t.printSide("backend", c.Backend)
}

// stepsText says what was decided at each step, up to where the call was refused.
func stepsText(steps []admin.CallStep) string {
	var all []string
	for _, s := range steps {
		if s.State != "skipped" {
			all = append(all, s.Step+" "+s.State)
		}
	}
	return words.Shown(strings.Join(all, ", "))
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
