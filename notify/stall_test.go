package notify

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform/memory"
)

// A path carries one connection and may stall in either direction, as one of TCP
// does without a word to its ends: what is on its way then waits.
type path struct{ up, down *pipeline }

type pipeline struct {
	mu      sync.Mutex
	changed *sync.Cond
	bytes   []byte
	ended   bool
	stalled bool
}

func newPipeline() *pipeline {
	l := new(pipeline)
	l.changed = sync.NewCond(&l.mu)
	return l
}

func (l *pipeline) change(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what()
	l.changed.Broadcast()
}

func (l *pipeline) stall(on bool) { l.change(func() { l.stalled = on }) }

// carry moves what from sends to to.
func (l *pipeline) carry(from, to net.Conn) {
	go func() {
		buf := make([]byte, 4<<10)
		for {
			n, err := from.Read(buf)
			l.change(func() { l.bytes, l.ended = append(l.bytes, buf[:n]...), err != nil })
			if err != nil {
				return
			}
		}
	}()
	defer to.Close()
	for {
		l.mu.Lock()
		for l.stalled || len(l.bytes) == 0 && !l.ended {
			l.changed.Wait()
		}
		next := l.bytes
		l.bytes = nil
		l.mu.Unlock()
		if len(next) == 0 {
			return
		}
		if _, err := to.Write(next); err != nil {
			return
		}
	}
}

// throughPaths has all connections of w go over paths, and returns those so far.
func (w *world) throughPaths(begin func(*path)) (all func() []*path) {
	var mu sync.Mutex
	var paths []*path
	w.via = func(far net.Conn) net.Conn {
		near, end := net.Pipe()
		p := &path{newPipeline(), newPipeline()}
		begin(p)
		go p.up.carry(end, far)
		go p.down.carry(far, end)
		mu.Lock()
		paths = append(paths, p)
		mu.Unlock()
		return near
	}
	all = func() []*path { mu.Lock(); defer mu.Unlock(); return append([]*path(nil), paths...) }
	w.t.Cleanup(func() {
		for _, p := range all() {
			p.up.stall(false)
			p.down.stall(false)
		}
	})
	return all
}

// Twenty messages a second go to one consumer with one worker, whose path stalls.
func TestFirstDeliveriesAreInOrderAndSoonWhateverStalls(t *testing.T) {
	for _, c := range []struct {
		name      string
		up, down  bool
		newcomers bool // stall, too, as long as the first path does
		lasting   time.Duration
	}{
		{"both ways for good", true, true, false, time.Hour},
		{"the way up for good", true, false, false, time.Hour},
		{"the way down for good", false, true, false, time.Hour},
		{"both ways for 2.1 s", true, true, true, 2100 * time.Millisecond},
		{"the way up for 2.1 s", true, false, true, 2100 * time.Millisecond},
		{"the way down for 2.1 s", false, true, true, 2100 * time.Millisecond},
		{"both ways for 4.5 s", true, true, true, 4500 * time.Millisecond},
		{"the way up for 4.5 s", true, false, true, 4500 * time.Millisecond},
		{"the way down for 4.5 s", false, true, true, 4500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, memory.Config{}, nil)
				var stalled atomic.Bool
				paths := w.throughPaths(func(p *path) {
					if stalled.Load() && c.newcomers {
						p.up.stalled, p.down.stalled = c.up, c.down
					}
				})
				var mu sync.Mutex
				var first []int
				late := make(map[int]time.Duration)
				published := make(map[int]time.Time)
				consumer := w.consumer(ConsumerConfig{PingInterval: time.Second, PongTimeout: 2 * time.Second})
				stop := w.run(consumer, func(_ context.Context, d *Delivery) error {
					n, _ := strconv.Atoi(string(d.Body))
					mu.Lock()
					defer mu.Unlock()
					if _, again := late[n]; !again {
						first = append(first, n)
						late[n] = time.Since(published[n])
					}
					return nil
				})
				const messages = 400
				for n := range messages {
					mu.Lock()
					published[n] = time.Now()
					mu.Unlock()
					w.publish(fmt.Sprint(n))
					time.Sleep(50 * time.Millisecond)
					switch at := time.Duration(n-50) * 50 * time.Millisecond; at {
					case 0:
						stalled.Store(true)
						for _, p := range paths() {
							p.up.stall(c.up)
							p.down.stall(c.down)
						}
					case c.lasting:
						stalled.Store(false)
						for _, p := range paths() {
							p.up.stall(false)
							p.down.stall(false)
						}
					}
				}
				time.Sleep(10 * time.Second)
				_ = stop()
				mu.Lock()
				defer mu.Unlock()
				if len(first) != messages {
					t.Fatalf("%d of %d messages came", len(first), messages)
				}
				for i, n := range first {
					if i != n {
						t.Fatalf("first delivery %d is of message %d", i, n)
					}
				}
				for n, d := range late {
					if d > 7*time.Second+min(c.lasting, 5*time.Second) {
						t.Errorf("message %d came after %v", n, d)
					}
				}
			})
		})
	}
}
