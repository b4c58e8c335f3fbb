package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type callsReplayCmd struct {
	connection
	ID     string   `arg:"" name:"id" help:"The ID of the request: X-Request-Id of the answer."`
	Method string   `placeholder:"METHOD" help:"Instead of the one it had."`
	Target string   `placeholder:"PATH?QUERY" help:"Instead of the one it had."`
	Header []string `placeholder:"NAME: VALUE" sep:"none" help:"All headers, instead of those it had."`
	Body   *string  `placeholder:"TEXT" help:"Instead of the one it had."`
}

// Help teaches by example.
func (*callsReplayCmd) Help() string {
	return `Makes a call to a service again, with the same key and a signature of now, as "calls show" has it. What is masked there has to be given anew, and the body if only its beginning was kept. The answer is in "calls show" of the ID that is printed.

    prismctl calls replay KNX2J5VHC6ZQ4LRT
    prismctl calls replay KNX2J5VHC6ZQ4LRT --target '/api/goods/list?page=2'`
}

// Run makes the call again.
func (c *callsReplayCmd) Run(ctx context.Context, t *tool) error {
	r := admin.Replay{Method: c.Method, Target: c.Target}
	for _, line := range c.Header {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return exit.Usagef("--header must be such as 'Accept: application/json'")
		}
		if r.Header == nil {
			r.Header = make(http.Header)
		}
		r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if c.Body != nil {
		r.Body = []byte(*c.Body)
	}
	return c.provision(ctx, t, func(ctx context.Context, a *admin.Client) error {
		made, status, err := a.Replay(ctx, c.ID, r)
		if err != nil {
			return err
		}
		if t.Output == asJSON {
			return t.printJSON(map[string]any{"id": made, "status": status, "replays": c.ID})
		}
		return t.println("%s  %d %s", words.Shown(made), status, http.StatusText(status))
	})
}
