package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

const (
	// fillingInterval is how often the queues are looked at.
	fillingInterval = 15 * time.Second
	// fillingSlack is by how much a queue falls below a mark before passing it
	// again is news, in percent.
	fillingSlack = 10
)

// fillingMarks are how full a queue becomes until somebody should know, in percent.
var fillingMarks = []int{50, 80, 95}

// percentFull is how much of its limits a queue uses, in messages or bytes, whichever is
// more.
func percentFull(s platform.QueueStatus) int {
	return int(100 * max(float64(s.Ready+s.Unacknowledged)/float64(s.Limits.MaxMessages), float64(s.Bytes)/float64(s.Limits.MaxBytes)))
}

// markOf is the highest mark that percent has reached, or 0.
func markOf(percent int) (mark int) {
	for _, m := range fillingMarks {
		if percent >= m {
			mark = m
		}
	}
	return mark
}

// A filling says once for each mark that a queue has filled so far. It looks from
// time to time, so that no message pays for it.
type filling struct {
	queues platform.Queues
	log    *slog.Logger
	told   map[queueID]int // the highest mark, of the queues that have passed any
	gone   int64           // messages that had become too old, at the last look
}

type queueID struct{ key, topic string }

// start begins to look, and returns how to end it.
func (f *filling) start() (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(fillingInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f.look(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
	return func() error {
		cancel()
		group.Wait()
		return nil
	}
}

// depthsOf counts the queues, if the engine does.
func depthsOf(ctx context.Context, queues platform.Queues) ([]platform.QueueDepth, error) {
	counting, ok := queues.(platform.QueueDepths)
	if !ok {
		return nil, nil
	}
	return counting.Depths(ctx)
}

// look leaves it at what was told when the engine does not answer: others say so.
func (f *filling) look(ctx context.Context) {
	if gone := expiredOf(f.queues); gone > f.gone {
		f.log.Info("messages were removed as they had become older than max-age", "messages", gone-f.gone)
		f.gone = gone
	}
	ctx, cancel := context.WithTimeout(ctx, countingTime)
	defer cancel()
	depths, err := depthsOf(ctx, f.queues)
	if err != nil {
		return
	}
	told := make(map[queueID]int)
	for _, d := range depths {
		id, percent := queueID{d.Owner, d.Topic}, percentFull(d.QueueStatus)
		mark, before := markOf(percent), f.told[id]
		if mark > before {
			f.tell(d, percent)
		} else if percent >= before-fillingSlack {
			mark = before
		}
		if mark > 0 {
			told[id] = mark
		}
	}
	f.told = told
}

// expiredOf returns how many messages an engine has removed as they were too old, if it says.
func expiredOf(queues platform.Queues) int64 {
	if counting, ok := queues.(interface{ Expired() int64 }); ok {
		return counting.Expired()
	}
	return 0
}

func (f *filling) tell(d platform.QueueDepth, percent int) {
	what := "a queue fills"
	if d.Consumers == 0 {
		what += " and nobody consumes it"
	}
	f.log.Warn(what+"; when it is full, "+whenFull(d.Limits.Overflow), "key", d.Owner, "queue", words.Queue(d.Topic), "percent", percent,
		"messages", d.Ready+d.Unacknowledged, "bytes", d.Bytes, "consumers", d.Consumers)
}

// whenFull says what a full queue does.
func whenFull(o platform.Overflow) string {
	switch o {
	case platform.Refuse:
		return "publishing to it is refused"
	case platform.DropOldest:
		return "it drops its oldest messages"
	case platform.DropNewest:
		return "it drops what comes"
	}
	return "its own key's publishing is refused, and what other keys publish takes the place of its oldest messages"
}
