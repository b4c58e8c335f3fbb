package platform

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/activity"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/gateway"
	"github.com/shopex/prism-go/internal/steady"
)

// A Platform serves the Prism API over HTTP. It is an [http.Handler] for any
// number of requests at a time; make one with [New].
type Platform struct {
	cfg       Config
	registry  *Registry
	routes    map[string]route
	conns     connections
	keyStates keyStates
	pushers   pushers
	owners    owners
	forms     byteBudget
	answers   byteBudget // of notify/read and notify/peek
	arriving  partForms
	count     counters
	logins    loginGuard
	wrong     wrongProofs
	diagnoses diagnoses
	events    events
	limits    limits
	services  serviceTables
	gateway   *gateway.Forwarder
	holders   holderCache
	calls     callLog
	curves    queueCurves
	backends  backends
	feed      activity.Feed
	history   *activity.History // nil if none is kept
	watches   watches
	refused   refusalLog
	depths    depthCounts

	started      time.Time
	proxyNoticed atomic.Bool // the log says that a proxy is not trusted
	changes      changesLeft
	lists        chan struct{} // a semaphore of the calls that read all records of a kind

	expiry func() time.Time // the clock by which keys expire

	apiBase     string // the beginning of the paths of APIs
	sandboxBase string // that of their sandbox; "" if there is none
	oauthBase   string // that of the paths of the OAuth server; "" if there is none
}

// stepPatience is how long the wall clock must differ until keys expire by it. An
// operator that has set a clock wrong mostly notices within that time.
const stepPatience = time.Minute

// New checks cfg and returns a platform that is ready to serve. It starts no goroutine:
// those that count queues and save statistics begin when they are needed, and
// [Platform.Shutdown] ends them and the channel connections.
func New(cfg Config) (*Platform, error) {
	expiry := cfg.Now
	if expiry == nil {
		expiry = steady.New(time.Now(), stepPatience).Now
	}
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &Platform{cfg: cfg, registry: NewRegistry(cfg.Store), started: cfg.Now(), apiBase: cfg.BasePath + "/", lists: make(chan struct{}, mostLists)}
	if cfg.BasePath != "" {
		p.sandboxBase = cfg.BasePath + "-sandbox/"
	}
	if cfg.Users != nil {
		p.oauthBase = besideBase(cfg.BasePath) + "/oauth/"
	}
	p.conns.init(cfg.Limits.ConnectionsPerKey)
	p.expiry = expiry
	p.owners.init(cfg.Queues, p.registry)
	p.keyStates.init(p.registry, &p.owners, expiry, cfg.Logger)
	p.keyStates.expired = p.keyExpired
	p.events.init(cfg.Queues, p.registry, cfg.Logger, &p.count)
	p.pushers.init(p)
	p.limits.init(p)
	p.services.init(p.registry, cfg.Logger)
	p.gateway = gateway.New(cfg.gatewayConfig())
	p.calls.init(p)
	p.curves.init(p)
	p.refused.init(cfg.Logger)
	if cfg.KeepHistory > 0 {
		p.history = activity.NewHistory(cfg.KeepHistory)
	}
	p.forms.limit = cfg.Limits.FormsInFlight
	p.answers.limit = max(cfg.Limits.FormsInFlight/4, 4*int64(cfg.Limits.ReadBytes))
	p.arriving.init(cfg.Limits)
	p.logins.init(cfg.OAuth)
	p.wrong.init()
	p.changes.limit = cfg.Limits.ChangesPerKey
	p.routes = p.routeTable()
	if drops, ok := cfg.Queues.(QueueDrops); ok {
		drops.NotifyDrops(p.queueDropped)
	}
	p.hearWatches()
	return p, nil
}

// Shutdown ends the message channel: new connections are refused with 503, and
// each open one gets its unacknowledged messages returned to their queues and
// is then closed with code 1001. It ends the answers of platform/activity/tail and [Platform.Push], which finishes the POSTs under
// way and begins no other. It returns when all are gone, the system events that wait are
// published and the statistics of calls are saved, or cuts the remaining ones when ctx ends and returns ctx's error;
// messages whose POSTs were cut come again. Other API calls are still served: end them
// with the Shutdown of the HTTP server, which does not wait for the channel. What they
// cause is no system event any more.
func (p *Platform) Shutdown(ctx context.Context) error {
	var late error
	p.feed.Close()
	defer p.refused.tell()
	idle, pushed := p.conns.shut(), p.pushers.shut()
	for idle != nil || pushed != nil {
		select {
		case <-idle:
			idle = nil
		case <-pushed:
			pushed = nil
		case <-ctx.Done():
			p.conns.cut()
			p.pushers.cut()
			idle, pushed, late = nil, nil, ctx.Err()
		}
	}
	p.gateway.Close()
	p.watches.close()
	return cmp.Or(p.limits.level.end(ctx), p.calls.saving.end(ctx), p.curves.counting.end(ctx), p.events.close(ctx), late)
}

// ServeHTTP answers one request. For the channel it returns when the
// connection has ended.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{
		id:     rand.Text(),
		began:  time.Now(),
		method: r.Method,
	}
	p.locate(c, r.URL.Path)
	var refused error
	c.caller, refused = p.callerOf(r)
	out := &answer{ResponseWriter: w}
	defer func() { p.forms.release(c.inFlight) }()
	defer func() {
		if c.count != nil {
			p.releaseAnswer(c.count, c.answer)
		}
	}()
	out.Header().Set("X-Request-Id", c.id)
	out.Header().Set("Date", p.cfg.Now().UTC().Format(http.TimeFormat))
	if c.oauth != "" {
		out.Header().Set("Cache-Control", "no-store")
	}
	if p.publicTLS() && c.caller.secure {
		out.Header()["Strict-Transport-Security"] = strictTransport
	}
	defer func() {
		if v := recover(); v != nil {
			p.panicked(out, r, c, v)
		}
	}()
	if refused == nil {
		refused = p.serve(out, r, c)
	}
	if refused != nil {
		p.refuse(out, r, c, refused)
	}
	p.observe(r, c, out.status, out.code)
}

// strictTransport keeps browsers on https for a year.
var strictTransport = []string{"max-age=31536000"}

// serve reads, verifies and routes a call.
func (p *Platform) serve(w *answer, r *http.Request, c *call) error {
	p.limitBody(w, r)
	if headerLines(r.Header) > maxHeaderLines {
		w.Header().Set("Connection", "close")
		return &failure{status: http.StatusRequestHeaderFieldsTooLarge, code: code.RequestTooLarge, message: fmt.Sprintf("the request has more than %d header lines", maxHeaderLines)}
	}
	if serve := p.oauthPage(c.oauth); serve != nil {
		return p.servePage(w, r, c, serve)
	}
	if err := p.readParams(w, r, c); err != nil {
		return err
	}
	if c.oauth == "token" && r.Method != http.MethodPost {
		return wrongMethod(r, []string{http.MethodPost})
	}
	var err error
	if person := personIn(r.Context()); person != nil {
		err = p.asPerson(r.Context(), c, person)
	} else {
		err = p.verify(r, c)
	}
	if err != nil && c.claimed != nil && c.formed == nil && c.oauth == "" {
		c.formed = bytes.Clone(c.rawForm[:min(len(c.rawForm), p.cfg.Gateway.keep())])
	}
	c.rawForm = nil
	if err != nil {
		return err
	}
	if p.cfg.RefuseReplays {
		if err := p.once(r, c); err != nil {
			return err
		}
	}
	if p.cfg.Override != nil {
		if h := p.cfg.Override(c.public(r)); h != nil {
			return p.forward(h, w, r, c)
		}
	}
	return p.route(w, r, c)
}

// maxHeaderLines bounds the lines of a header, as many short lines need far more memory
// than their bytes.
const maxHeaderLines = 256

func headerLines(h http.Header) (lines int) {
	for _, values := range h {
		lines += len(values)
	}
	return lines
}

// locate finds out what is below the base path of the APIs, or of their sandbox, or else
// below that of the OAuth server, which is itself below the first when the APIs are at the
// root.
func (p *Platform) locate(c *call, path string) {
	if p.oauthBase != "" {
		if c.oauth = below(path, p.oauthBase); c.oauth != "" {
			return
		}
	}
	c.api = below(path, p.apiBase)
	if c.api == "" && p.sandboxBase != "" {
		c.api = below(path, p.sandboxBase)
		c.sandbox = c.api != ""
	}
}

// below returns the part of path that follows base, which ends in a slash, or "" if path
// does not begin with base.
func below(path, base string) string {
	rest, ok := strings.CutPrefix(path, base)
	if !ok {
		return ""
	}
	return strings.TrimLeft(rest, "/")
}

// besideBase returns the beginning of the paths that lie beside base.
func besideBase(base string) string {
	return base[:max(0, strings.LastIndexByte(base, '/'))]
}

// panicked answers for a handler that panicked. If the answer has begun, the connection
// is aborted, so that the caller does not take half of the answer for all of it.
func (p *Platform) panicked(w *answer, r *http.Request, c *call, v any) {
	if v == http.ErrAbortHandler {
		if c.passage != nil { // the answer of a backend was cut
			p.observe(r, c, w.status, code.BadGateway)
		}
		panic(v)
	}
	p.cfg.Logger.Error("panic", slog.Any("value", v), slog.String("request_id", c.id), slog.String("stack", string(debug.Stack())))
	if w.status != 0 {
		p.observe(r, c, w.status, code.InternalError)
		panic(http.ErrAbortHandler)
	}
	p.refuse(w, r, c, internalFailure(c))
	p.observe(r, c, w.status, w.code)
}

// observe counts, logs and traces an answered call, once.
func (p *Platform) observe(r *http.Request, c *call, status int, code string) {
	if c.observed {
		return
	}
	c.observed = true
	took := time.Since(c.began)
	p.count.calls.Add(1)
	p.logCall(r, c, status, code, took)
	kept := true
	if c.passage != nil {
		p.noteCall(c.passage.record(r, c, status, code, took))
		p.noteBackend(c, code)
	} else {
		kept = p.noteRefused(r, c, status, code, took)
	}
	p.noteCalled(r, c, status, code, took, kept)
	if p.cfg.Trace.Call != nil {
		p.cfg.Trace.Call(c.public(r), Outcome{Status: status, Code: code, Duration: took})
	}
}

// loggedBytes is how much of a text that the caller chose goes into the log.
const loggedBytes = 256

// logCall writes a line about a call: at debug, or at info if it was refused, at warn if the
// engine or the store was not available, or as an error if the platform or a backend failed.
func (p *Platform) logCall(r *http.Request, c *call, status int, code string, took time.Duration) {
	level, message := levelOf(c, status, code)
	if !p.cfg.Logger.Enabled(r.Context(), level) {
		return
	}
	if level > slog.LevelDebug && !p.refused.first(level, c.countedBy(), cmp.Or(code, http.StatusText(status))) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", shorten(r.Method, loggedBytes)),
		slog.String("path", shorten(r.URL.Path, loggedBytes)),
		slog.String("key", c.actor().id()),
		slog.String("address", c.caller.ip()),
		slog.Int("status", status),
		slog.String("code", code),
		slog.Duration("took", took),
		slog.String("request_id", c.id),
	}
	if len(c.causes) > 0 {
		attrs = append(attrs, slog.String("causes", strings.Join(c.causes, " ")))
	}
	if c.passage != nil {
		attrs = append(attrs, c.passage.logAttrs()...)
	}
	if c.cause != nil {
		attrs = append(attrs, slog.Any("error", c.cause))
	}
	p.cfg.Logger.LogAttrs(r.Context(), level, message, attrs...)
}

func levelOf(c *call, status int, name string) (level slog.Level, message string) {
	switch {
	case status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable: // a 503 is no failure of the platform itself
		return slog.LevelError, "call failed"
	case name == "" || name == code.Canceled:
		return slog.LevelDebug, "call"
	case c.cause != nil:
		return slog.LevelWarn, "call refused"
	}
	return slog.LevelInfo, "call refused"
}
