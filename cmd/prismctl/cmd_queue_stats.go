package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/admin"
)

type queueStatsCmd struct {
	queueOwner
	aQueue
	All   bool `help:"All queues of the domain together. That needs an admin key."`
	Hours bool `help:"By hours, of 30 days, instead of by minutes of the last hour."`
}

// Validate is called for the flags.
func (c *queueStatsCmd) Validate() error {
	if c.All && (c.Topic != "" || c.Of != "") {
		return errors.New("--all is for all queues together; leave out the queue and --of")
	}
	return nil
}

// Run shows how a queue did.
func (c *queueStatsCmd) Run(ctx context.Context, t *tool) error {
	query := admin.QueueStatsQuery{Hours: c.Hours} // until now by the clock of the platform
	var stats *admin.QueueStats
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		if c.All {
			stats, err = a.DomainQueueStats(ctx, query)
		} else {
			stats, err = a.QueueStats(ctx, string(c.Of), c.Topic, query)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case t.Output == asJSON:
		return t.printJSON(stats)
	case stats.Other && c.All:
		t.notice("the platform remembers only how 20 domains did, and this is none of them")
		return nil
	case stats.Other:
		t.notice("the platform remembers only how the 200 busiest queues did, and this is none of them; --all shows all together")
		return nil
	case len(stats.Points) == 0:
		t.notice("nothing was counted yet: the platform begins when its queues are used")
		return nil
	}
	return t.printTable(queueStatsTable(stats.Points, c.Hours))
}

// queueStatsTable has a row for each number that is not always 0, of the time until the
// end of the last point.
func queueStatsTable(points []admin.QueuePoint, hours bool) [][]string {
	step, past := time.Minute, time.Hour
	if hours {
		step, past = time.Hour, 30*24*time.Hour
	}
	to := time.Unix(points[len(points)-1].Start, 0).Add(step)
	from := to.Add(-past)
	rows := [][]string{{"", "LAST", "MOST", "SUM", from.Local().Format("01-02 15:04") + " - " + to.Local().Format("01-02 15:04")}}
	for _, row := range []struct {
		name string
		of   func(p *admin.QueuePoint) uint64
		sums bool
	}{
		{"most messages", func(p *admin.QueuePoint) uint64 { return p.Most }, false},
		{"ready", func(p *admin.QueuePoint) uint64 { return p.Ready }, false},
		{"held", func(p *admin.QueuePoint) uint64 { return p.Unacknowledged }, false},
		{"parked", func(p *admin.QueuePoint) uint64 { return p.Parked }, false},
		{"consumers", func(p *admin.QueuePoint) uint64 { return p.Consumers }, false},
		{"published", func(p *admin.QueuePoint) uint64 { return p.Published }, true},
		{"removed", func(p *admin.QueuePoint) uint64 { return p.Removed }, true},
		{"dropped", func(p *admin.QueuePoint) uint64 { return p.Dropped }, true},
	} {
		most, sum := uint64(0), uint64(0)
		for i := range points {
			most, sum = max(most, row.of(&points[i])), sum+row.of(&points[i])
		}
		total := "-"
		if row.sums {
			total = strconv.FormatUint(sum, 10)
		}
		last := row.of(&points[len(points)-1])
		if most > 0 || row.name == "ready" {
			rows = append(rows, []string{row.name, strconv.FormatUint(last, 10), strconv.FormatUint(most, 10), total, curve(points, row.of, from, to)})
		}
	}
	return rows
}

const curveWidth = 30

// curve draws numbers as blocks, each as high as the largest of its time. Where nothing
// was counted it has a space.
func curve(points []admin.QueuePoint, of func(p *admin.QueuePoint) uint64, from, to time.Time) string {
	blocks := []rune("▁▂▃▄▅▆▇█")
	var parts [curveWidth]uint64 // one more than the largest number; 0 if there is none
	most := uint64(0)
	for i := range points {
		at := points[i].Start - from.Unix()
		part := min(max(0, at*curveWidth/max(1, to.Unix()-from.Unix())), curveWidth-1)
		parts[part] = max(parts[part], of(&points[i])+1)
		most = max(most, of(&points[i]))
	}
	var drawn strings.Builder
	for _, n := range parts {
		switch {
		case n == 0:
			drawn.WriteByte(' ')
		case n == 1:
			drawn.WriteRune(blocks[0])
		default:
			drawn.WriteRune(blocks[int(float64(n-1)/float64(most)*float64(len(blocks)-1)+0.5)])
		}
	}
	return strings.TrimRight(drawn.String(), " ")
}
