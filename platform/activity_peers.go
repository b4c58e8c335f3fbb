package platform

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/activity"
)

// A platform of a cluster that is asked what happens asks the others, every second, as long
// as it wants to know. Each of them tells the lines that the filter takes, at most as many a
// second as it would tell a caller of its own.

const (
	subjectWatch = "watch" // about which all platforms hear

	// watchLife is for how long lines are told after they were asked for.
	watchLife = 5 * tailCheck
	// mostGathered bounds the bytes of others that wait to be written to one caller.
	mostGathered = 512 << 10
)

// A watchRequest asks the other platforms for what happens there.
type watchRequest struct {
	By         string // the platform that asks
	ID         string // the subject about which it hears
	Owner      string
	Privileged bool
	Filter     activity.Filter
	Rate       int
}

// watches are those of other platforms.
type watches struct {
	name  string // of this platform
	peers Peers  // nil if there are none
	stop  func()
	tells sync.WaitGroup

	mu    sync.Mutex // guards asked, and that nothing begins when it is nil
	asked map[string]time.Time
}

// hearWatches lets the others ask what happens here.
func (p *Platform) hearWatches() {
	peers, ok := p.cfg.Queues.(Peers)
	if !ok {
		return
	}
	w := &p.watches
	w.name, w.asked, w.peers = randomName(), make(map[string]time.Time), peers
	var err error
	if w.stop, err = peers.Hear(subjectWatch, p.watchAsked); err != nil {
		p.cfg.Logger.Warn("tails do not show what happens in other processes", slog.Any("error", err))
		w.peers = nil
	}
}

// watchAsked begins to tell what happens, or goes on with it.
func (p *Platform) watchAsked(text []byte) {
	var r watchRequest
	w := &p.watches
	if json.Unmarshal(text, &r) != nil || r.By == w.name || r.ID == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked == nil {
		return
	}
	_, known := w.asked[r.ID]
	if !known {
		watcher, err := p.feed.Watch(r.Owner+" elsewhere", r.Privileged, r.Filter, r.Rate)
		if err != nil {
			return // as a caller of this platform would be refused
		}
		watcher.Take(time.Now()) // that it begins, which the caller knows
		w.tells.Go(func() { w.tell(r.ID, watcher) })
	}
	w.asked[r.ID] = time.Now()
}

// tell tells the lines of watcher while they are asked for.
func (w *watches) tell(id string, watcher *activity.Watcher) {
	defer watcher.Close()
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	for ended := false; !ended; {
		now := time.Now()
		select {
		case <-watcher.Ended():
			ended = true
		case now = <-tick.C:
			ended = w.over(id, now)
		}
		if lines := watcher.Take(now); len(lines) > 0 && w.peers.Tell(id, lines) != nil {
			watcher.Miss(int64(bytes.Count(lines, []byte("\n"))))
		}
	}
}

// over reports whether a watch is not asked for any more, and forgets it then.
func (w *watches) over(id string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.asked[id]) < watchLife {
		return false
	}
	delete(w.asked, id)
	return true
}

// close ends the watches of others, whose feed is closed.
func (w *watches) close() {
	if w.stop != nil {
		w.stop()
	}
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
	w.tells.Wait()
}

// An elsewhere is what the others tell to one caller of this platform.
type elsewhere struct {
	peers   Peers
	request []byte // of the others
	stop    func()
	watcher *activity.Watcher // of this platform, to which misses are told

	mu    sync.Mutex
	lines []byte
}

// gather begins to gather what the others tell. It returns nil if there are none.
func (p *Platform) gather(r watchRequest, watcher *activity.Watcher) *elsewhere {
	w := &p.watches
	if w.peers == nil {
		return nil
	}
	r.By, r.ID = w.name, randomName()
	g := &elsewhere{peers: w.peers, watcher: watcher}
	var err error
	if g.request, err = json.Marshal(r); err == nil {
		g.stop, err = w.peers.Hear(r.ID, g.add)
	}
	if err != nil {
		p.cfg.Logger.Warn("a tail does not show what happens in other processes", slog.Any("error", err))
		return nil
	}
	g.ask()
	return g
}

func (g *elsewhere) ask() {
	if g != nil {
		_ = g.peers.Tell(subjectWatch, g.request) // it is asked again in a second
	}
}

func (g *elsewhere) add(lines []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines)+len(lines) > mostGathered {
		g.watcher.Miss(int64(bytes.Count(lines, []byte("\n"))))
		return
	}
	g.lines = append(g.lines, lines...)
}

// take returns the lines that wait, or nothing.
func (g *elsewhere) take() []byte {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	lines := g.lines
	g.lines = nil
	return lines
}

func (g *elsewhere) close() {
	if g != nil {
		g.stop()
	}
}
