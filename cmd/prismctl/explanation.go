package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/examine"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/sent"
	"github.com/shopex/prism-go/sign"
)

// explanation is what is printed about a request as JSON.
type explanation struct {
	Valid  bool     `json:"valid"`
	Causes []string `json:"causes"`
	Text   string   `json:"text"`
}

func newExplanation(d sign.Diagnosis) explanation {
	if d.Causes == nil {
		d.Causes = []string{}
	}
	return explanation{d.Valid, d.Causes, d.Text}
}

func verdict(x examine.Result) string {
	if x.Diagnosis.Valid {
		return x.Shown + ": right"
	}
	return x.Shown + ": wrong"
}

// explained is what is printed for people.
func explained(x examine.Result) string {
	if x.Diagnosis.Valid {
		return verdict(x) + "\n" + x.Diagnosis.Text + "\n"
	}
	return verdict(x) + ": " + strings.Join(x.Diagnosis.Causes, ", ") + "\n" + x.Diagnosis.Text + "\n" + column("to sign") + x.ToSign + "\n"
}

// explainLines examines one request a line, and answers each line by one.
func explainLines(ctx context.Context, t *tool, e *examine.Examiner) error {
	bad := 0
	for l := range lines(ctx, t.in) {
		if l.err != nil {
			return l.err
		}
		if strings.TrimSpace(string(l.text)) == "" {
			continue
		}
		var said explanation
		request, err := sent.Read(l.text)
		if err == nil {
			said = newExplanation(e.Request(request).Diagnosis)
		} else {
			bad++
			said = explanation{Causes: []string{"unreadable"}, Text: e.Masked(fmt.Sprintf("Line %d cannot be read: %v.", l.number, err))}
		}
		if err := t.printJSON(said); err != nil {
			return err
		}
	}
	if ctx.Err() == nil && bad > 0 {
		return exit.Usagef("%d of the lines cannot be read as requests", bad)
	}
	return ctx.Err()
}
