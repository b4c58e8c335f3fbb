package platform

import (
	"context"
	"log/slog"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/calls"
	"github.com/shopex/prism-go/internal/gateway"
)

// A Login is a user logged in with one browser, without the login page.
type Login struct{ Cookie, SessionID string }

// LogIn begins a session as the login page does.
func (p *Platform) LogIn(ctx context.Context, user User) (Login, error) {
	cookie, s, err := p.beginSession(ctx, user)
	if err != nil {
		return Login{}, err
	}
	return Login{cookie, s.ID}, nil
}

// Code issues a code as the authorize page does.
func (p *Platform) Code(ctx context.Context, l Login, key, redirect, challenge, method string) (string, error) {
	s, err := p.liveSession(ctx, l.Cookie)
	if err != nil || s == nil {
		return "", errSessionOver
	}
	return p.issueCode(ctx, s, codeRequest{key, redirect, challenge, method})
}

// Alive reports whether a browser is logged in, and extends its session.
func (p *Platform) Alive(ctx context.Context, cookie string) (bool, error) {
	s, err := p.liveSession(ctx, cookie)
	return s != nil, err
}

// Known reports whether a browser has a session that can be ended.
func (p *Platform) Known(ctx context.Context, cookie string) (bool, error) {
	s, err := p.knownSession(ctx, cookie)
	return s != nil, err
}

// LogOut ends a session as the logout page does.
func (p *Platform) LogOut(ctx context.Context, id string) error { return p.endSession(ctx, id) }

// Prepare stores a session and a code under names from recorded traffic.
func (p *Platform) Prepare(ctx context.Context, sessionID, code, key string, user User) error {
	h, err := p.registry.holder(ctx, key, nil)
	if err != nil {
		return err
	}
	key = h.key.holder()
	const redirect = "https://shop.example/callback"
	_, err = p.registry.UpdateApp(ctx, h.app.ID, func(app *App) error {
		app.Redirects = append(app.Redirects, redirect)
		return nil
	})
	if err != nil {
		return err
	}
	now := p.cfg.Now()
	expires := now.Add(time.Minute)
	s := &session{ID: sessionID, User: user, Began: now, Expires: expires, Keys: []string{key}}
	if err := saveRecord(ctx, p.cfg.Store, kindSession, sessionRef(sessionID), s, 0, time.Minute); err != nil {
		return err
	}
	a := &authCode{codeRequest: codeRequest{Key: key, RedirectURI: redirect}, Session: sessionRef(sessionID), SealedID: sealSession(code, sessionID), Expires: expires}
	return saveRecord(ctx, p.cfg.Store, kindCode, code, a, 0, time.Minute)
}

// RecordID is the id of the record of what has this name.
func RecordID(name string) string { return digest(name) }

// ParsePatterns reads the parameter routing_key of provisioning.
func ParsePatterns(text string) ([]string, error) { return parsePatterns(text) }

// Remembered returns of how many keys the platform remembers something.
func (p *Platform) Remembered() int {
	p.owners.mu.Lock()
	defer p.owners.mu.Unlock()
	return len(p.owners.byKey)
}

// HeldByForms returns how many bytes the forms that are being read take.
func (p *Platform) HeldByForms() int64 {
	p.arriving.mu.Lock()
	defer p.arriving.mu.Unlock()
	return p.arriving.used
}

// Refusals writes the lines about refused calls.
type Refusals struct{ refusalLog }

// NewRefusals returns one that has written nothing yet.
func NewRefusals(log *slog.Logger) *Refusals {
	r := &Refusals{}
	r.init(log)
	return r
}

// First reports whether a refusal gets a line of its own.
func (r *Refusals) First(key, code string) bool {
	return r.first(slog.LevelInfo, slog.String("key", key), code)
}

// Posted tells of a POST to a push address as the pushing does.
func (p *Platform) Posted(e PushEvent) { p.posted(actor{}, e) }

// EventsOfEachKind returns an event of each kind.
func EventsOfEachKind() []any {
	const at = 1714564800
	head := func(name string) eventHead {
		return eventHead{Event: name, Time: at, ClientID: "buwb2lii", App: "shop"}
	}
	login := head(eventLogin)
	login.Time += 60
	backend := func(name string) backendHead {
		h := backendHead{eventHead: head(name), Service: "goods", Host: "goods.example:8080"}
		h.ClientID, h.App = "", "supplier"
		return h
	}
	paused, recovered := backend(eventBackendPaused), backend(eventBackendRecovered)
	paused.Time, recovered.Time = at+3, at+93
	return []any{
		&loginEvent{eventHead: login, User: "7", SessionSince: at, SessionUntil: at + 30*24*3600},
		&signRefusedEvent{eventHead: head(eventSignRefused), Address: "192.0.2.7", Code: "invalid_sign", Refused: 12},
		&droppedEvent{eventHead: head(eventDropped), Topic: "orders", Dropped: 345},
		&parkedEvent{eventHead: head(eventParked), ID: "9b4d1e00-1a2b3c", RoutingKey: "order.new", Attempts: 5, Reason: "no such article", ParkedBy: "KNX2J5VHC6 from 192.0.2.7:50312"},
		&pushFailedEvent{eventHead: head(eventPushFailed), Host: "shop.example", Status: 503, Reason: "the receiver answered 503 Service Unavailable", Failed: 3, ID: "9b4d1e00-1a2b3c", RoutingKey: "order.new", Attempt: 2},
		&keyExpiredEvent{eventHead: head(eventKeyExpired), Expired: at - 12*3600},
		&backendFailedEvent{backendHead: backend(eventBackendFailed), API: "goods.query", Code: "bad_gateway", Phase: "dial", Reason: "the backend cannot be reached: dial tcp 192.0.2.9:8080: connect: connection refused", Failed: 1},
		&backendChangedEvent{paused, at, 5},
		&backendChangedEvent{recovered, at, 14},
	}
}

// A BackendOutcome is of a call through the gateway: it has the code of its refusal, "" for none, and
// whether the backend gets no calls for a while.
type BackendOutcome struct {
	Refused string
	Paused  bool
}

// NoteBackend notes what became of a call of the domain default to a service.
func (p *Platform) NoteBackend(service string, o BackendOutcome) {
	g := &passage{service: service, target: &gateway.Target{Service: &gateway.Service{ID: service}}, paused: o.Paused}
	if g.exchange.Status = 200; o.Refused != "" {
		g.exchange.Status, g.phase = 0, "dial"
	}
	p.noteBackend(&call{app: &App{}, passage: g}, o.Refused)
}

// LookAgain makes the next call see what another process has changed of services.
func (p *Platform) LookAgain() { p.services.lookAgain() }

// FailingBackends returns how many backends the platform remembers as failing.
func (p *Platform) FailingBackends() int { return int(p.backends.failing.Load()) }

// AllowCall counts a call through the gateway under a limit.
func (p *Platform) AllowCall(key, service, api string, l apijson.Limit) (wait time.Duration, ok bool) {
	return p.allowCall(key, service, api, l)
}

// NoteCall remembers a call as one through the gateway.
func (p *Platform) NoteCall(rec *calls.Record) { p.noteCall(rec) }

// CutFiles makes r store files in parts of n bytes.
func CutFiles(r *Registry, n int) { r.partBytes = n }

// BoundFiles lets calls make the api.json files of a domain n bytes large.
func BoundFiles(p *Platform, n int) { p.registry.serviceBytes = n }

// NewDepthCounts returns a function that counts the queues of an engine, as calls do.
func NewDepthCounts(queues Queues) func(context.Context) error {
	d := depthCounts{counted: func([]QueueDepth) {}, turn: make(chan struct{}, 1)}
	return func(ctx context.Context) error {
		_, err := d.all(ctx, queues)
		return err
	}
}
