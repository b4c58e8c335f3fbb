package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A benchReport is what bench prints, in JSON as it is.
type benchReport struct {
	RunID    string        `json:"run_id"`
	Server   string        `json:"server"`
	Settings benchSettings `json:"settings"`

	Load  float64 `json:"load_s"` // how long it took
	Early bool    `json:"ended_early"`

	Published   int64  `json:"published_messages"`
	Confirmed   int64  `json:"confirmed_messages"`
	Failed      int64  `json:"failed_messages"`
	Consumed    int64  `json:"consumed_messages"`
	Acked       int64  `json:"acked_deliveries"`
	Duplicates  int64  `json:"duplicate_deliveries"`
	StaleAcks   int64  `json:"stale_acks"`
	Foreign     int64  `json:"foreign_deliveries"`
	Resent      int64  `json:"resent_messages"`
	Disconnects int64  `json:"lost_connections"`
	Lost        *int64 `json:"lost_messages"` // nil: unknown
	Left        *int64 `json:"left_messages"` // nil: unknown

	PublishRate throughput `json:"publish_rate"`
	ConfirmRate throughput `json:"confirm_rate"`
	ConsumeRate throughput `json:"consume_rate"`

	Handled *spread `json:"publish_to_handler"`
	Confirm *spread `json:"publish_to_confirmation"`

	why     error // Left is unknown
	first   error // failure of publishing
	crowd   bool  // others consumed, too
	dropped bool  // the queue was, with what was left in it
}

// benchSettings are the flags that the figures depend on.
type benchSettings struct {
	Topic       string  `json:"topic"`
	RoutingKey  string  `json:"routing_key"`
	Duration    float64 `json:"duration_s"`
	Size        int     `json:"body_bytes"`
	Rate        int64   `json:"rate_messages_per_s"`
	Publishers  int     `json:"publishers"`
	ConfirmEach bool    `json:"confirm_each"`
	Callers     int     `json:"callers_per_publisher"`
	Consumers   int     `json:"consumers"`
	Workers     int     `json:"workers_per_consumer"`
	InFlight    int     `json:"in_flight_messages"`
	Patience    float64 `json:"patience_s"`
}

// A throughput is a rate in both units. A megabyte is a million bytes, of bodies.
type throughput struct {
	Messages  float64 `json:"messages_per_s"`
	Megabytes float64 `json:"megabytes_per_s"`
}

// report is for the time after run.
func (b *bench) report() *benchReport {
	c, n := b.c, &b.count
	r := &benchReport{
		RunID: fmt.Sprintf("%016x", b.id), Server: c.URL,
		Settings: benchSettings{
			Topic: c.Topic, RoutingKey: c.RoutingKey, Duration: c.Duration.Seconds(), Size: c.Size, Rate: c.Rate,
			Publishers: c.Publishers, ConfirmEach: c.ConfirmEach, Callers: c.callers(),
			Consumers: c.Consumers, Workers: c.Workers, InFlight: c.inFlight(), Patience: c.Patience.Seconds(),
		},
		Load: time.Duration(b.ended.Load() - b.began).Seconds(), Early: b.early,
		Published: n.published.Load(), Confirmed: n.confirmed.Load(), Failed: n.failed.Load(),
		Consumed: n.consumed.Load(), Acked: n.acked.Load(), Duplicates: n.duplicates.Load(),
		StaleAcks: n.stale.Load(), Foreign: n.foreign.Load(), Disconnects: n.disconnects.Load(),
		why: b.leftUnknown, crowd: b.crowd, dropped: b.target.made,
	}
	if err := b.failure.Load(); err != nil {
		r.first = *err
	}
	for _, out := range b.outlets {
		r.Resent += out.Stats().Resent
	}
	r.countLeft(int64(b.slots.missing()), int64(b.left))
	r.measure(b)
	return r
}

// countLeft tells what is still in the queue from what is lost.
func (r *benchReport) countLeft(missing, left int64) {
	if r.why == nil {
		lost := max(missing-left, 0)
		r.Lost, r.Left = &lost, &left
	}
}

func (r *benchReport) measure(b *bench) {
	var confirmed, handled []*latency
	for _, out := range b.outlets {
		confirmed = append(confirmed, out.confirmed)
	}
	for _, in := range b.inlets {
		handled = append(handled, in.handled)
	}
	confirm, handle := merged(confirmed), merged(handled)
	r.Confirm, r.Handled = confirm.spread(), handle.spread()
	r.PublishRate = b.rate(r.Published, b.ended.Load())
	r.ConfirmRate = b.rate(r.Confirmed, confirm.last)
	r.ConsumeRate = b.rate(r.Consumed, handle.last)
}

// rate is that of n messages from the begin of the load until the last of them.
func (b *bench) rate(n, last int64) throughput {
	seconds := time.Duration(last - b.began).Seconds()
	if n == 0 || seconds <= 0 {
		return throughput{}
	}
	perSecond := float64(n) / seconds
	return throughput{perSecond, perSecond * float64(b.c.Size) / 1e6}
}

// failure is what is wrong by the report.
func (r *benchReport) failure() error {
	var text string
	switch {
	case r.why != nil:
		text = "how many messages stayed in the queue is unknown: " + plain(r.why)
	case *r.Lost > 0 && r.crowd:
		text = messagesOf(*r.Lost) + " did not come and are not in the queue: another consumer has come to it and may have taken them"
	case *r.Lost > 0:
		text = messagesOf(*r.Lost) + " lost: confirmed, never delivered, and not in the queue"
	case *r.Left > 0 && r.dropped:
		text = messagesOf(*r.Left) + " left in the queue when it was dropped: more --patience allows more time"
	case *r.Left > 0:
		text = messagesOf(*r.Left) + " left in the queue: more --patience allows more time, and \"prismctl queue purge\" empties it"
	case r.Failed > 0:
		text = messagesOf(r.Failed) + " not confirmed: " + plain(r.first)
	default:
		return nil
	}
	return &exitError{exitRefused, errors.New(text)}
}

func messagesOf(n int64) string { return counted(int(n), "message", "messages") }

func (r *benchReport) print(t *tool) error {
	if t.Output == asJSON {
		return t.printJSON(r)
	}
	return t.write([]byte(r.text()))
}

// text is the report for people.
func (r *benchReport) text() string {
	var s strings.Builder
	s.WriteString(r.Settings.text() + "\n")
	fmt.Fprintf(&s, "%s, %.1f s of load", r.Server, r.Load)
	if r.Early {
		s.WriteString(", ended early")
	}
	s.WriteString("\n\n")
	r.writeCounts(&s)
	fmt.Fprintf(&s, "\n%-22s %10s %9s %9s %9s %9s %9s\n", "time from publishing", "min", "p50", "p90", "p99", "p99.9", "max")
	r.Handled.writeRow(&s, "to the handler")
	r.Confirm.writeRow(&s, "to the confirmation")
	r.Handled.writeBins(&s, "to the handler")
	r.Confirm.writeBins(&s, "to the confirmation")
	return s.String()
}

func (s benchSettings) text() string {
	how := "without waiting"
	if s.ConfirmEach {
		how = "waiting for each confirmation, " + counted(s.Callers, "caller", "callers") + " each"
	}
	rate := "as fast as it goes"
	if s.Rate > 0 {
		rate = grouped(s.Rate) + " messages/s"
	}
	return fmt.Sprintf("%s (%s), %s with %s each, bodies of %s bytes, %s, at most %s in flight",
		counted(s.Publishers, "publisher", "publishers"), how, counted(s.Consumers, "consumer", "consumers"),
		counted(s.Workers, "worker", "workers"), grouped(int64(s.Size)), rate, grouped(int64(s.InFlight)))
}

func (r *benchReport) writeCounts(s *strings.Builder) {
	for _, row := range []struct {
		name string
		n    int64
		rate throughput
	}{
		{"published", r.Published, r.PublishRate},
		{"confirmed", r.Confirmed, r.ConfirmRate},
		{"consumed", r.Consumed, r.ConsumeRate},
	} {
		writeCount(s, row.name, &row.n, fmt.Sprintf("%11s messages/s %8.1f MB/s", grouped(int64(row.rate.Messages)), row.rate.Megabytes))
	}
	writeCount(s, "acknowledged", &r.Acked, "")
	writeCount(s, "duplicates", &r.Duplicates, "")
	writeCount(s, "lost", r.Lost, "")
	writeCount(s, "left in the queue", r.Left, "")
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"not confirmed", r.Failed},
		{"stale acknowledgements", r.StaleAcks},
		{"messages of others", r.Foreign},
		{"lost connections", r.Disconnects},
		{"sent again", r.Resent},
	} {
		if row.n > 0 { // they are news
			writeCount(s, row.name, &row.n, "")
		}
	}
}

func writeCount(s *strings.Builder, name string, n *int64, rate string) {
	number := "unknown"
	if n != nil {
		number = grouped(*n)
	}
	s.WriteString(strings.TrimRight(fmt.Sprintf("%-22s %12s %s", name, number, rate), " ") + "\n")
}

func (d *spread) writeRow(s *strings.Builder, name string) {
	if d == nil {
		return
	}
	fmt.Fprintf(s, "%-22s", name)
	for _, ms := range []float64{d.Min, d.P50, d.P90, d.P99, d.P999, d.Max} {
		fmt.Fprintf(s, " %9s", shortTime(ms))
	}
	s.WriteByte('\n')
}

// writeBins draws a bar for each bin, the longest for the fullest.
func (d *spread) writeBins(s *strings.Builder, name string) {
	if d == nil {
		return
	}
	var most int64
	for _, b := range d.Bins {
		most = max(most, b.Messages)
	}
	fmt.Fprintf(s, "\n%s\n", name)
	for _, b := range d.Bins {
		share := float64(b.Messages) / float64(d.Messages)
		line := fmt.Sprintf("  up to %6s  %5.1f %%  %s", edgeTime(b.UpTo), 100*share, bar(float64(b.Messages)/float64(most), 40))
		s.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// bar is a bar of at most so many columns, in eighths of one. What is there is
// seen, however little it is.
func bar(share float64, columns int) string {
	eighths := int(math.Round(share * float64(columns) * 8))
	if eighths == 0 && share > 0 {
		eighths = 1
	}
	b := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		b += string('█' + rune(8-rest)) // they follow each other, the narrower the later
	}
	return b
}

// shortTime is a time with three digits.
func shortTime(ms float64) string {
	n, unit := inUnit(ms)
	decimals := 2
	for limit := 10.0; decimals > 0 && n >= limit; limit *= 10 {
		decimals--
	}
	return strconv.FormatFloat(n, 'f', decimals, 64) + " " + unit
}

// edgeTime is a time with the digits that it has, which are few.
func edgeTime(ms float64) string {
	n, unit := inUnit(ms)
	return strconv.FormatFloat(n, 'g', 3, 64) + " " + unit
}

// inUnit is a time in the unit that fits.
func inUnit(ms float64) (n float64, unit string) {
	switch {
	case ms < 1:
		return ms * 1000, "µs"
	case ms < 1000:
		return ms, "ms"
	}
	return ms / 1000, "s"
}

// grouped is a number with its digits in threes.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
