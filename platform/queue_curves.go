package platform

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/curves"
)

// The platform remembers how its queues did, by what the engine counts every few seconds.

// sampleEvery is how often the queues are counted, unless that takes long.
const sampleEvery = 10 * time.Second

// lastCount is how long the last count before the end may take.
const lastCount = 2 * time.Second

// queueCurves counts the queues again and again.
type queueCurves struct {
	p        *Platform
	kept     *curves.Curves
	counting background
	begun    atomic.Bool
	saver    curveSaver
}

func (h *queueCurves) init(p *Platform) {
	h.p, h.kept = p, curves.New()
	p.depths = depthCounts{counted: h.note, turn: make(chan struct{}, 1)}
	h.saver = curveSaver{saveTry: saveTry{p: p, what: "queues"}, kept: h.kept}
}

// begin lets the queues be counted from now on. It is called whenever queues are used.
func (h *queueCurves) begin() {
	if h.begun.Load() {
		return
	}
	h.begun.Store(true)
	if _, ok := h.p.cfg.Queues.(QueueDepths); ok {
		h.counting.begin(h.run)
	}
}

// run loads what was saved, counts and saves until ctx ends, and counts and saves then once
// more. What counting takes is at most a twentieth of the time.
func (h *queueCurves) run(ctx context.Context) {
	h.saver.try(ctx, h.saver.load)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.Background(), lastCount)
			h.count(last)
			cancel()
			h.saver.try(context.Background(), h.saver.finish)
			return
		}
		began := time.Now()
		h.count(ctx)
		took := time.Since(began)
		h.saver.try(ctx, h.saver.step)
		timer.Reset(max(sampleEvery, countingShare*took))
	}
}

// count counts the queues, once.
func (h *queueCurves) count(ctx context.Context) {
	err := withoutPanic(h.p.cfg.Logger, func() error {
		_, err := h.p.depths.all(ctx, h.p.cfg.Queues)
		return err
	})
	if err != nil && ctx.Err() == nil {
		h.p.cfg.Logger.Debug("queues cannot be counted", slog.Any("error", err))
	}
}

// note remembers what was counted.
func (h *queueCurves) note(all []QueueDepth) {
	h.kept.Sample(h.p.cfg.Now(), func(yield func(*curves.Queue) bool) {
		var q curves.Queue
		for i := range all {
			d := &all[i]
			q = curves.Queue{
				Domain: d.Exchange, Key: d.Owner, Topic: d.Topic, Ready: d.Ready, Held: d.Unacknowledged, Parked: d.Parked,
				Consumers: d.Consumers, Bytes: d.Bytes, Published: d.Published, Dropped: d.Dropped + d.ParkedDropped,
				Reasons: reasonsOf(d),
			}
			if !yield(&q) {
				return
			}
		}
	})
}

// recent returns what a queue did lately.
func (h *queueCurves) recent(d *QueueDepth) curves.Recent { return h.kept.Recent(d.Owner, d.Topic) }

// dropped returns how many messages a queue has dropped within a day, as far as this
// process knows.
func (h *queueCurves) dropped(d *QueueDepth) uint64 {
	if d.Dropped+d.ParkedDropped == 0 {
		return 0
	}
	r := h.recent(d)
	return r.Dropped
}
