package jetstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Consumers of two engines acknowledge, fail and return messages while others park them and
// take them from what is parked, and the log is cleaned. Both engines, and one that opens
// then, have the same, and every message is where it has to be.
func TestEnginesAgreeAboutWhatIsParked(t *testing.T) {
	const messages, steps = 200, 40
	c := Config{URL: external(t), cleanAbove: 1, Patience: time.Minute, QueueBounds: platform.QueueBounds{MaxParked: 20}}
	engines := []*Engine{open(t, c), open(t, c)}
	setAttempts(t, engines[0], 3)
	all := &shared{T: t, acked: make(map[string]bool)}
	for i := range messages {
		m := &platform.Message{Body: fmt.Append(nil, i)}
		must(t, engines[0].Write(t.Context(), shop, "", m))
		all.ids = append(all.ids, m.ID)
	}
	var group sync.WaitGroup
	for seed := range uint64(6) {
		random, e := rand.New(rand.NewPCG(seed, 4)), engines[seed%2]
		if seed < 4 {
			taker := consume(t, e, "")
			group.Go(func() {
				for range steps {
					all.work(taker, random)
				}
			})
			continue
		}
		group.Go(func() {
			for range steps {
				all.park(e, random)
			}
		})
	}
	group.Wait()
	for _, e := range engines {
		for _, taker := range e.consumers() {
			must(t, taker.Close())
		}
	}
	engines = append(engines, open(t, c))
	all.compare(engines, messages)
}

type shared struct {
	*testing.T
	ids []platform.MessageID

	mu        sync.Mutex // guards what follows
	acked     map[string]bool
	discarded int
}

// work takes some messages and does something with each of them.
func (s *shared) work(taker platform.Consumer, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(s.Context(), time.Second)
	defer cancel()
	leases, err := taker.Fetch(ctx, 1+random.IntN(5), math.MaxInt)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.Error(err)
	}
	for _, l := range leases {
		switch random.IntN(4) {
		case 0:
			if err = taker.Ack(s.Context(), l.ID); err == nil {
				s.mu.Lock()
				s.acked[string(l.Message.Body)] = true
				s.mu.Unlock()
			}
		case 1:
			err = taker.Return(s.Context(), l.ID)
		default:
			if _, err = taker.Fail(s.Context(), "failed", l.ID); err == nil {
				err = taker.Return(s.Context(), l.ID)
			}
		}
		if err != nil {
			s.Error(err)
		}
	}
}

// park parks some messages, puts them back, or discards what is parked.
func (s *shared) park(e *Engine, random *rand.Rand) {
	first := random.IntN(len(s.ids) - 5)
	some := s.ids[first : first+5]
	var err error
	switch random.IntN(5) {
	case 0, 1:
		_, err = e.Park(s.Context(), shop, "", "asked", "by", some...)
	case 2, 3:
		_, err = e.Unpark(s.Context(), shop, "", s.ids[:len(s.ids)/2]...)
	default:
		var n int
		n, err = e.Discard(s.Context(), shop, "", some...)
		s.mu.Lock()
		s.discarded += n
		s.mu.Unlock()
	}
	if err != nil {
		s.Error(err)
	}
}

// compare checks that each engine has what is neither discarded nor dropped nor, unless it
// was parked before that, acknowledged.
func (s *shared) compare(engines []*Engine, messages int) {
	s.Helper()
	for i, e := range engines {
		status, err := e.Status(s.Context(), shop, "")
		must(s.T, err)
		left := status.Ready + status.Parked + int(status.ParkedDropped) + s.discarded
		if left > messages || left < messages-len(s.acked) || status.Unacknowledged > 0 {
			s.Errorf("engine %d has %+v, and of %d messages %d were discarded and %d acknowledged", i, status, messages, s.discarded, len(s.acked))
		}
		e.audit(s.T)
		e.sum(s.T)
	}
	within(s.T, func() bool { // one of them may be cleaning the log
		first := engines[0].picture()
		return !slices.ContainsFunc(engines, func(e *Engine) bool {
			e.catchUp()
			return !maps.Equal(first, e.picture())
		})
	})
}

func TestABackupHasWhatIsParked(t *testing.T) {
	from, to := Config{URL: external(t)}, Config{Dir: filepath.Join(t.TempDir(), "data")}
	e := open(t, from)
	setAttempts(t, e, 2)
	write(t, e, "", "1", "2")
	taker := consume(t, e, "")
	leases, _ := fetchN(t, taker, 2)
	fail(t, taker, "why", leases...)
	fail(t, taker, "why", leases[1])
	var b bytes.Buffer
	must(t, e.Backup(t.Context(), &b))
	must(t, Restore(t.Context(), to, bytes.NewReader(b.Bytes())))
	e = open(t, to)
	got := expectParked(t, e, "2 2 why test")
	n, err := e.Unpark(t.Context(), shop, "", got...)
	if err != nil || n != 1 {
		t.Errorf("put back %d, %v", n, err)
	}
	if leases, _ = fetchN(t, consume(t, e, ""), 2); leases[0].Attempt != 2 || leases[1].Attempt != 3 {
		t.Errorf("%v", attemptsOf(leases))
	}
}
