package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// Columns of an activity; what it is about fills the rest of a screen.
const (
	tailTimeWidth  = len(time.TimeOnly) + 1
	tailEventWidth = 8
	tailKeyWidth   = 10

	tailRoutingWidth = 28 // of a routing key, at most
)

// printActivity prints an activity in one line, and the first time the names of the columns.
func (t *tool) printActivity(a *admin.Activity, first bool) error {
	if t.Output == asJSON {
		return t.printJSON(a)
	}
	if first {
		if err := t.println("%s", tailColumns("TIME", "EVENT", "KEY", "")); err != nil {
			return err
		}
	}
	if a.Event == "begin" {
		return nil
	}
	line := tailColumns(a.Time.Local().Format(time.TimeOnly), words.Fitting(a.Event, tailEventWidth-1), words.Fitting(textOr(a.ClientID, "-"), tailKeyWidth-1), activityText(a))
	if color := colorOf(a); t.screen && color != "" && t.env("NO_COLOR") == "" {
		_, err := fmt.Fprintf(t.out, "\x1b[%sm%s\x1b[0m\n", color, line) // of what Fitting has made harmless
		return unwritten(err)
	}
	return t.println("%s", line)
}

func tailColumns(at, event, key, rest string) string {
	left := words.Padded(at, tailTimeWidth) + words.Padded(event, tailEventWidth) + words.Padded(key, tailKeyWidth)
	if rest == "" {
		return strings.TrimRight(left, " ")
	}
	return left + words.Fitting(rest, screenWidth-words.Width(left))
}

// colorOf returns the color of a line: red for what has failed, yellow for what is missing.
func colorOf(a *admin.Activity) string {
	switch {
	case a.Failed:
		return "31"
	case a.Event == "missed":
		return "33"
	}
	return ""
}

// activityText says in words what an activity is about, the most important first.
func activityText(a *admin.Activity) string {
	switch a.Event {
	case "missed":
		return words.Counted(int(a.Missed), "other that was too much to show", "others that were too many to show")
	case "call":
		return callText(a)
	case "connect", "close":
		return joined(a.Code, "#"+strconv.FormatUint(a.Conn, 10), a.Reason, "from "+a.RemoteAddr)
	}
	about := []string{a.Code, words.Fitting(textOr(a.RoutingKey, "-"), tailRoutingWidth)}
	if a.Topic != "" {
		about = append(about, "in "+words.Shown(a.Topic))
	}
	switch {
	case a.Event == "publish" && a.Code == "":
		about = append(about, "to "+words.Counted(a.Queues, "queue", "queues"))
	case a.Event == "push":
		about = append(about, "to "+a.RemoteAddr, numberOr(int64(a.Status), "-"), shortTook(inTime(a.TookMS)))
	case a.Stray:
		about = []string{"tag " + strconv.FormatUint(a.Tag, 10) + ", which is not outstanding"}
	}
	if a.Attempt > 1 {
		about = append(about, "attempt "+strconv.Itoa(a.Attempt))
	}
	if a.Event == "publish" || a.Event == "deliver" {
		about = append(about, strconv.Itoa(a.Bytes)+" B")
	}
	return joined(append(about, a.Reason, a.ID)...)
}

// callText has the ID of a call that is kept, for calls show.
func callText(a *admin.Activity) string {
	api := cmp.Or(a.API, a.Path)
	status, took := words.Padded(numberOr(int64(a.Status), "-"), 4), words.Padded(shortTook(inTime(a.TookMS)), 7)
	switch {
	case a.Kept && a.Failed:
		return status + joined(a.RequestID, a.Code, words.Shown(api))
	case a.Kept:
		return status + took + joined(a.RequestID, words.Shown(api))
	case a.Failed:
		return status + took + joined(a.Code, a.RemoteAddr, a.Method, words.Shown(api))
	}
	return status + took + joined(a.Method, words.Shown(api))
}

func inTime(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// joined returns the parts that are there, with spaces between them.
func joined(parts ...string) string {
	var all []string
	for _, part := range parts {
		if part != "" {
			all = append(all, part)
		}
	}
	return strings.Join(all, " ")
}
