package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/admin"
)

type callsStatsCmd struct {
	connection
	By     string        `enum:"app,key,api,all" default:"api" placeholder:"WHAT" help:"Count by app, key or api (${default}), or all APIs together."`
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
