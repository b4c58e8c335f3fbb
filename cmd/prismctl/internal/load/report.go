package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// A Report is what a load has measured, in JSON as "prismctl bench" prints it.
type Report struct {
	RunID    string   `json:"run_id"` // is in the body of each message
	Server   string   `json:"server"`
	Settings Settings `json:"settings"`

	// Load is how many seconds it took; Early reports whether something ended
	// it before its duration.
	Load  float64 `json:"load_s"`
	Early bool    `json:"ended_early"`

	// The counts are of messages and deliveries since the first messages, which
	// count for nothing. Lost and Left are nil if the platform did not say in
	// the end how many are in the queue.
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
	Lost        *int64 `json:"lost_messages"`
	Left        *int64 `json:"left_messages"`

	PublishRate Throughput `json:"publish_rate"`
	ConfirmRate Throughput `json:"confirm_rate"`
	ConsumeRate Throughput `json:"consume_rate"`

	// Handled and Confirm are the times from publishing to the handler and to
	// the confirmation; nil if there was none.
	Handled *Spread `json:"publish_to_handler"`
	Confirm *Spread `json:"publish_to_confirmation"`

	why     error // Left is unknown
	first   error // failure of publishing
	crowd   bool  // others consumed, too
	dropped bool  // the queue was, with what was left in it
}

// Settings are those parts of a Config that the figures depend on.
type Settings struct {
	Topic       string  `json:"topic"`
	RoutingKey  string  `json:"routing_key"`
	Direct      bool    `json:"direct"`
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

// A Throughput is a rate in both units. A megabyte is a million bytes, of bodies.
type Throughput struct {
	Messages  float64 `json:"messages_per_s"`
	Megabytes float64 `json:"megabytes_per_s"`
}

// report is for the time after run.
func (b *bench) report() *Report {
	c, n := &b.cfg, &b.count
	r := &Report{
		RunID: fmt.Sprintf("%016x", b.id), Server: c.Server,
		Settings: Settings{
			Topic: c.Topic, RoutingKey: c.RoutingKey, Direct: c.Direct, Duration: c.Duration.Seconds(), Size: c.Size, Rate: c.Rate,
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
func (r *Report) countLeft(missing, left int64) {
	if r.why == nil {
		lost := max(missing-left, 0)
		r.Lost, r.Left = &lost, &left
	}
}

func (r *Report) measure(b *bench) {
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
func (b *bench) rate(n, last int64) Throughput {
	seconds := time.Duration(last - b.began).Seconds()
	if n == 0 || seconds <= 0 {
		return Throughput{}
	}
	perSecond := float64(n) / seconds
	return Throughput{perSecond, perSecond * float64(b.cfg.Size) / 1e6}
}

// failure is what is wrong by the report.
func (r *Report) failure() error {
	var text string
	switch {
	case r.why != nil:
		text = "how many messages stayed in the queue is unknown: " + words.Plain(r.why)
	case *r.Lost > 0 && r.crowd:
		text = messagesOf(*r.Lost) + " did not come and are not in the queue: another consumer has come to it and may have taken them"
	case *r.Lost > 0:
		text = messagesOf(*r.Lost) + " lost: confirmed, never delivered, and not in the queue"
	case *r.Left > 0 && r.dropped:
		text = messagesOf(*r.Left) + " left in the queue when it was dropped: more --patience allows more time"
	case *r.Left > 0:
		text = messagesOf(*r.Left) + " left in the queue: more --patience allows more time, and \"prismctl queue purge\" empties it"
	case r.Failed > 0:
		text = messagesOf(r.Failed) + " not confirmed: " + words.Plain(r.first)
	default:
		return nil
	}
	return exit.With(exit.Refused, errors.New(text))
}
