package main

import (
	"context"
	"fmt"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiBoundCmd struct {
	connection
	anApp
}

// A boundLine is what an app may call, in JSON.
type boundLine struct {
	Service string `json:"service"`
	Prefix  string `json:"prefix"`
	Path    string `json:"path"`
	Count   int    `json:"limit_count"` // 0: the limits of the api.json
	Seconds int64  `json:"limit_seconds"`
}

// Run prints one binding a line.
func (c *apiBoundCmd) Run(ctx context.Context, t *tool) error {
	var bindings []admin.Binding
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		bindings, err = a.BoundAPIs(ctx, c.ID)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(bindings, t.printBound)
	}
	rows := [][]string{{"PREFIX", "PATH", "LIMIT"}}
	for _, b := range bindings {
		limit := "of the api.json"
		if b.Count > 0 {
			limit = fmt.Sprintf("%d/%ds", b.Count, b.Per/time.Second)
		}
		rows = append(rows, []string{words.Shown(b.Prefix), words.Shown(b.Path), limit})
	}
	return t.printTable(rows)
}

// printBound prints a binding in JSON.
func (t *tool) printBound(b admin.Binding) error {
	return t.printJSON(boundLine{b.Service, b.Prefix, b.Path, b.Count, int64(b.Per / time.Second)})
}
