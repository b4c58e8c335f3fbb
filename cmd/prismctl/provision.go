package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// provision does something with the apps and keys of the admin key's domain.
func (c *connection) provision(ctx context.Context, t *tool, do func(context.Context, *admin.Client) error) error {
	return c.with(ctx, t, func(ctx context.Context, client *prism.Client) error { return do(ctx, admin.New(client)) })
}

// provisioned is provision for what has no result; then it says what was done.
func (c *connection) provisioned(ctx context.Context, t *tool, done string, do func(context.Context, *admin.Client) error) error {
	if err := c.provision(ctx, t, do); err != nil {
		return err
	}
	return t.printDone(done)
}

// printTable prints rows in columns; each row has as many.
func (t *tool) printTable(rows [][]string) error {
	widths := make(map[int]int)
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			widths[i] = max(widths[i], words.Width(cell))
		}
	}
	var b bytes.Buffer
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			b.WriteString(words.Padded(cell, widths[i]+2))
		}
		b.WriteString(row[len(row)-1] + "\n")
	}
	return t.write(b.Bytes())
}

// patternsFor are patterns for people.
func patternsFor(patterns []string) string {
	if len(patterns) == 0 {
		return "none"
	}
	texts := make([]string, len(patterns))
	for i, pattern := range patterns {
		texts[i] = words.Shown(pattern)
	}
	return strings.Join(texts, " ")
}

// textOr is a text for people, or what stands for none.
func textOr(s, none string) string {
	if s == "" {
		return none
	}
	return words.Shown(s)
}

// timeOr is a time for people, or what stands for none.
func timeOr(at time.Time, none string) string {
	if at.IsZero() {
		return none
	}
	return at.Local().Format(time.DateTime)
}

// ofLimit is a count of a limit.
func ofLimit[N int | int64](n, limit N) string { return fmt.Sprintf("%d of %d", n, limit) }
