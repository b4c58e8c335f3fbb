package platform

import (
	"cmp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// Events tell when the backend of a service begins to fail, gets no calls for a while, and
// works again. While it fails, calls are only counted.

const (
	eventBackendFailed    = "@system.backend.failed"
	eventBackendPaused    = "@system.backend.paused"
	eventBackendRecovered = "@system.backend.recovered"

	// mostBackends bounds the table of backends. With more of them, the one that fails for
	// the longest is forgotten, and no event tells that it works again.
	mostBackends = 4096
)

// backends knows the backends of which an event has told that they fail.
type backends struct {
	failing atomic.Int64 // how many there are, so that calls need no lock while there is none

	mu    sync.Mutex // guards what follows
	known map[backendName]*failingBackend
}

// A backendName names an address of a service. It stays the same when the operator sets
// another address.
type backendName struct {
	service, node string // by their IDs
	sandbox       bool
}

// String returns a text that no other name has.
func (n backendName) String() string {
	return n.service + "\x00" + n.node + "\x00" + strconv.FormatBool(n.sandbox)
}

type failingBackend struct {
	since  time.Time
	failed int // calls since then
	paused bool
}

// A backendHead has the members that each event about a backend has.
type backendHead struct {
	eventHead
	Service string `json:"service"` // its prefix
	Node    string `json:"node"`    // its ID; "" for the address of the service itself
	Sandbox bool   `json:"sandbox"`
	Host    string `json:"host"` // of the address, without its path
}

type backendFailedEvent struct {
	backendHead
	API    string `json:"api"` // the method ID of the call
	Code   string `json:"code"`
	Phase  string `json:"phase"` // of the call, "" if it was not sent
	Reason string `json:"reason"`
	Failed int    `json:"failed"` // calls that no event has told of, with this one
}

// A backendChangedEvent tells that a backend that fails is paused, or has recovered.
type backendChangedEvent struct {
	backendHead
	Since  int64 `json:"since"`  // when it began to fail, Unix time
	Failed int   `json:"failed"` // calls since then
}

// noteBackend tells by an event when a call through the gateway shows that its backend is
// not as the last event has told. The code is that of the refusal, if the call was refused.
func (p *Platform) noteBackend(c *call, refused string) {
	g := c.passage
	switch {
	case g.target == nil:
	case g.paused, g.phase != "" && (refused == code.BadGateway || refused == code.BackendTimeout):
		p.backendFailed(c, refused)
	case refused == "" && g.exchange.Status != 0 && p.backends.failing.Load() > 0:
		p.backendWorks(c)
	}
}

func (p *Platform) backendFailed(c *call, refused string) {
	b, name := &p.backends, c.passage.backendName()
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.known[name]
	if f == nil {
		n := p.events.rates.allow(eventBackendFailed, name.String(), time.Minute)
		if n == 0 {
			return
		}
		f = b.add(name, p.cfg.Now())
		p.events.add(p.backendFailedEvent(c, refused, n))
	}
	f.failed++
	if c.passage.paused && !f.paused {
		f.paused = true
		p.events.add(p.backendChangedEvent(eventBackendPaused, c, f))
	}
}

func (p *Platform) backendWorks(c *call) {
	b, name := &p.backends, c.passage.backendName()
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.known[name]
	if f == nil {
		return
	}
	delete(b.known, name)
	b.failing.Store(int64(len(b.known)))
	p.events.add(p.backendChangedEvent(eventBackendRecovered, c, f))
}

// add notes that an event has told of a backend. b.mu is held.
func (b *backends) add(name backendName, now time.Time) *failingBackend {
	if b.known == nil {
		b.known = make(map[backendName]*failingBackend)
	}
	if len(b.known) >= mostBackends {
		b.forgetOldest()
	}
	f := &failingBackend{since: now}
	b.known[name] = f
	b.failing.Store(int64(len(b.known)))
	return f
}

func (b *backends) forgetOldest() {
	var oldest backendName
	var since time.Time
	for name, f := range b.known {
		if since.IsZero() || f.since.Before(since) {
			oldest, since = name, f.since
		}
	}
	delete(b.known, oldest)
}

func (g *passage) backendName() backendName {
	return backendName{g.target.Service.ID, g.target.Node, g.target.Sandbox}
}

// newBackendEvent returns the head of an event about the backend of a call.
func (p *Platform) newBackendEvent(name string, c *call) backendHead {
	g := c.passage
	head := backendHead{eventHead: p.newEvent(name, ""), Service: g.service, Node: g.target.Node, Sandbox: g.target.Sandbox, Host: g.target.Host()}
	head.App, head.exchange = g.provider, c.app.Exchange()
	return head
}

func (p *Platform) backendChangedEvent(name string, c *call, f *failingBackend) *backendChangedEvent {
	return &backendChangedEvent{p.newBackendEvent(name, c), f.since.Unix(), f.failed}
}

func (p *Platform) backendFailedEvent(c *call, refused string, n int) *backendFailedEvent {
	g := c.passage
	e := &backendFailedEvent{
		backendHead: p.newBackendEvent(eventBackendFailed, c), API: g.methodID(), Code: refused, Phase: g.phase, Failed: n,
	}
	if g.cause != nil {
		e.Reason = ParkReason(g.cause.Error())
	}
	e.Reason = cmp.Or(e.Reason, "it has failed several times and gets no calls for a while")
	return e
}
