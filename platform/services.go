package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/gateway"
)

// The services of a domain are kept ready for calls. A change by another process has to
// count within a second: then a call looks at the note of changes. While the store fails,
// the services that were there last are used.

const (
	servicesAge = time.Second
	// wholeAge is when all services are looked at anyway, in case a process was killed
	// between a change and its note.
	wholeAge = time.Minute
)

// serviceTables has the services of each domain that calls have asked for.
type serviceTables struct {
	registry *Registry
	log      *slog.Logger

	mu       sync.Mutex // guards byDomain
	byDomain map[string]*domainTable
}

// A domainTable keeps the services of one domain fresh.
type domainTable struct {
	domain string

	mu       sync.Mutex // guards what follows; never held while the store is asked
	services *domainServices
	looked   time.Time // when the last look began that has ended; zero if there was none since the last change
	look     *look     // the one under way
	failed   bool
}

// A look is one reading of the note of changes, and of what has changed. Calls share it.
type look struct {
	outdated bool // a change came meanwhile; guarded by domainTable.mu

	done     chan struct{}   // closed when the following are set
	services *domainServices // those that were there before, if the look has failed
	failed   bool
	err      error // if it has failed and there were none before
}

// domainServices are the services of a domain at one time. They do not change.
type domainServices struct {
	table  *gateway.Table
	list   []*gateway.Service
	known  map[string]knownService // by ID
	note   uint64
	loaded time.Time
}

// A knownService is a service that is compiled again only if its record has changed.
type knownService struct {
	stored   *storedService
	revision uint64
	compiled *gateway.Service // nil if it cannot be compiled
	secrets  serviceSecrets
}

func (t *serviceTables) init(r *Registry, log *slog.Logger) {
	t.registry, t.log, t.byDomain = r, log, make(map[string]*domainTable)
	r.servicesChanged = t.lookAgain
}

// lookAgain makes the next call look at the note.
func (t *serviceTables) lookAgain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.byDomain {
		d.change()
	}
}

func (d *domainTable) change() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looked = time.Time{}
	if d.look != nil {
		d.look.outdated = true
	}
}

func (t *serviceTables) of(domain string) *domainTable {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.byDomain[domain]
	if d == nil {
		d = &domainTable{domain: domain}
		t.byDomain[domain] = d
	}
	return d
}

// current returns the services of a domain as they were within the last second.
func (t *serviceTables) current(ctx context.Context, domain string) (*domainServices, error) {
	d := t.of(domain)
	d.mu.Lock()
	known, looked, looking := d.services, d.looked, d.look
	outdated := looking != nil && looking.outdated
	d.mu.Unlock()
	switch {
	case known != nil && !looked.IsZero() && (looking != nil || time.Since(looked) < servicesAge):
		return known, nil
	case outdated:
		return t.now(ctx, domain)
	}
	return t.begin(ctx, d).wait(ctx)
}

// now returns the services of a domain as they are. A look that is under way may have begun
// before a change that the caller knows of, so the one after it counts.
func (t *serviceTables) now(ctx context.Context, domain string) (*domainServices, error) {
	d := t.of(domain)
	d.mu.Lock()
	before := d.look
	d.mu.Unlock()
	if before != nil {
		if known, err := before.wait(ctx); err != nil || before.failed {
			return known, err
		}
	}
	return t.begin(ctx, d).wait(ctx)
}

// wait returns what a look has found. It returns early when ctx ends.
func (l *look) wait(ctx context.Context) (*domainServices, error) {
	select {
	case <-l.done:
		return l.services, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin returns the look that is under way, or else a new one, which goes on when its caller
// has gone: others may wait for it.
func (t *serviceTables) begin(ctx context.Context, d *domainTable) *look {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.look == nil {
		patience := refreshTimeout
		if d.services == nil {
			patience = finishTime
		}
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		l := &look{done: make(chan struct{}), services: d.services}
		d.look = l
		go func() {
			defer cancel()
			t.run(within, d, l)
		}()
	}
	return d.look
}

// run looks at the note of changes, and loads what has changed.
func (t *serviceTables) run(ctx context.Context, d *domainTable, l *look) {
	began := time.Now()
	var next *domainServices
	err := withoutPanic(t.log, func() (err error) { // no call is there to be failed by a panic
		next, err = t.load(ctx, d.domain, l.services)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	first := err != nil && !d.failed
	d.look, d.failed, l.failed = nil, err != nil, err != nil
	if !l.outdated {
		d.looked = began
	}
	switch {
	case err == nil:
		d.services, l.services = next, next
	case l.services == nil:
		l.err = err
	case first:
		t.log.Warn("services cannot be looked up; those that were known are used", slog.Any("error", err))
	}
	close(l.done)
}

// maxReloads bounds how often the services are read that change while they are read.
const maxReloads = 10

func (t *serviceTables) load(ctx context.Context, domain string, known *domainServices) (next *domainServices, err error) {
	for range maxReloads {
		note, err := t.registry.changeRevision(ctx, noteService)
		if err != nil {
			return nil, err
		}
		if known != nil && note == known.note && time.Since(known.loaded) < wholeAge {
			return known, nil
		}
		next, err = t.loadAll(ctx, domain, known)
		if !errors.Is(err, ErrNoRecord) {
			if next != nil {
				next.note = note
			}
			return next, err
		}
	}
	return nil, fmt.Errorf("platform: the services of the domain %s change too often", domain)
}

// loadAll loads the services of a domain, except what is known. The error matches
// [ErrNoRecord] if one of them changes meanwhile.
func (t *serviceTables) loadAll(ctx context.Context, domain string, known *domainServices) (*domainServices, error) {
	all, err := t.registry.prefixes(ctx, domain)
	if err != nil {
		return nil, err
	}
	next := &domainServices{known: make(map[string]knownService, len(all)), loaded: time.Now()}
	for _, prefix := range slices.Sorted(maps.Keys(all)) {
		id := all[prefix]
		var before knownService
		if known != nil {
			before = known.known[id]
		}
		k, err := t.loadOne(ctx, id, before)
		if errors.Is(err, ErrUnknownService) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !k.stored.in(all) || k.stored.Prefix != prefix || k.stored.Exchange() != domain {
			continue // what a process that was killed has left
		}
		next.known[id] = k
		if k.compiled != nil {
			next.list = append(next.list, k.compiled)
		}
	}
	next.table = gateway.NewTable(next.list)
	return next, nil
}

func (t *serviceTables) loadOne(ctx context.Context, id string, before knownService) (knownService, error) {
	stored, revision, err := reloadRecord(ctx, t.registry.store, kindService, id, before.stored, before.revision)
	if errors.Is(err, ErrNoRecord) {
		return knownService{}, ErrUnknownService
	}
	if err != nil {
		return knownService{}, err
	}
	if stored == before.stored {
		return before, nil
	}
	k := knownService{stored: stored, revision: revision}
	text, err := t.registry.loadFile(ctx, id, stored.File)
	if err != nil {
		return knownService{}, err
	}
	file, err := apijson.Parse(text)
	if err == nil {
		k.compiled, err = gateway.Compile(file, stored.backend())
		k.secrets = newServiceSecrets(file, &stored.Service)
	}
	if err != nil {
		t.log.Warn("a service gets no calls", "service", stored.Prefix, "id", id, slog.Any("error", err))
	}
	return k, nil
}

// backend returns what is set for a service beside its api.json.
func (s *Service) backend() gateway.Backend {
	return gateway.Backend{
		ID: s.ID, URL: s.Backend, Sandbox: s.Sandbox, Config: s.Config, Nodes: s.Nodes,
		Online: s.Online, Trusted: s.Trusted,
	}
}

// gatewayConfig returns how calls reach backends.
func (c *Config) gatewayConfig() gateway.Config {
	g := c.Gateway
	return gateway.Config{
		Private: g.Private, Loopback: g.Loopback, Timeout: g.Timeout, IdleTimeout: g.IdleTimeout,
		FormBytes: int(c.Limits.RequestBody), Breaker: g.Breaker, Now: c.Now,
	}
}

// keepBytes is how much of each body a record of a call has.
const keepBytes = 4 << 10

func (g *Gateway) keep() int {
	if g.KeepCalls < 0 {
		return 0
	}
	return keepBytes
}
