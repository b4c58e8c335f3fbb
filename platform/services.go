package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
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
	domain   string
	looked   atomic.Int64 // when the note was looked at, in nanoseconds since began; 0 for never
	services atomic.Pointer[domainServices]

	mu     sync.Mutex // held while the services are loaded; guards failed
	failed bool
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

// began is the origin of times that are kept as numbers.
var began = time.Now()

func (t *serviceTables) init(r *Registry, log *slog.Logger) {
	t.registry, t.log, t.byDomain = r, log, make(map[string]*domainTable)
	r.servicesChanged = t.lookAgain
}

// lookAgain makes the next call look at the note.
func (t *serviceTables) lookAgain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.byDomain {
		d.looked.Store(0)
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
	known, looked := d.services.Load(), time.Duration(d.looked.Load())
	if known == nil {
		return t.now(ctx, domain)
	}
	if looked != 0 && time.Since(began)-looked < servicesAge {
		return known, nil
	}
	if !d.mu.TryLock() {
		if looked != 0 { // another call is looking
			return known, nil
		}
		d.mu.Lock()
	}
	defer d.mu.Unlock()
	return t.look(ctx, d)
}

// now returns the services of a domain as they are.
func (t *serviceTables) now(ctx context.Context, domain string) (*domainServices, error) {
	d := t.of(domain)
	d.mu.Lock()
	defer d.mu.Unlock()
	return t.look(ctx, d)
}

// look looks at the note of changes, and loads what has changed. d.mu is held.
func (t *serviceTables) look(ctx context.Context, d *domainTable) (*domainServices, error) {
	known := d.services.Load()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.patience(known))
	defer cancel()
	d.looked.Store(int64(max(1, time.Since(began)))) // before the note is read: what changes meanwhile is seen the next time
	next, err := t.load(ctx, d.domain, known)
	first := err != nil && !d.failed
	d.failed = err != nil
	if err != nil && known == nil {
		return nil, err
	}
	if first {
		t.log.Warn("services cannot be looked up; those that were known are used", slog.Any("error", err))
	}
	if err != nil {
		return known, nil
	}
	d.services.Store(next)
	return next, nil
}

func (t *serviceTables) patience(known *domainServices) time.Duration {
	if known == nil {
		return finishTime
	}
	return refreshTimeout
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
