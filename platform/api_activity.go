package platform

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/shopex/prism-go/internal/activity"
	"github.com/shopex/prism-go/internal/code"
)

// platform/activity/tail tells what happens, as it happens: an answer without an end, of a
// line of JSON for each record. A key sees its own, an admin key all of its domain, and one
// of the operator all, in every process of a cluster.

const (
	// tailEvery is how often the lines that wait are written.
	tailEvery = time.Second / 10
	// tailCheck is how often it is looked whether the caller may still see it.
	tailCheck = time.Second
	// tailIdle is after how long an empty line shows that the answer goes on.
	tailIdle = 15 * time.Second
	// tailRate and mostTailRate are how many records a second are told, by default and at
	// most. What is more is counted.
	tailRate     = 1000
	mostTailRate = 10_000
)

// tailFilter reads what the caller wants to see, of what it may see.
func (p *Platform) tailFilter(ctx context.Context, c *call, own url.Values) (f activity.Filter, err error) {
	for _, of := range []struct {
		name  string
		limit int
		field *string
	}{{"of", idBytes, &f.ClientID}, {"routing_key", p.cfg.Limits.RoutingKey, &f.RoutingKey}, {"api", apiNameBytes, &f.API}} {
		if *of.field, err = optional(own, of.name, of.limit); err != nil {
			return f, err
		}
	}
	if f.Failed, err = flag(own, "failed"); err != nil {
		return f, err
	}
	switch {
	case c.isOperator():
	case c.key.Admin:
		f.Domain = c.app.Exchange()
	case f.ClientID != "" && f.ClientID != c.key.ID:
		f.Domain = c.app.Exchange()
		_, err = p.about(ctx, c)
	default:
		f.Domain, f.ClientID = c.app.Exchange(), c.key.ID
	}
	return f, err
}

// activityTail answers until the caller has gone, may see it no more, or the platform ends.
func (p *Platform) activityTail(w *answer, r *http.Request, c *call) error {
	own := c.params()
	filter, err := p.tailFilter(r.Context(), c, own)
	if err != nil {
		return err
	}
	rate, err := numberParam(own, "rate", tailRate, mostTailRate)
	if err != nil {
		return err
	}
	watcher, err := p.feed.Watch(c.key.ID, c.key.Admin, filter, int(rate))
	if err != nil {
		return watchFailure(err)
	}
	defer watcher.Close()
	others := p.gather(watchRequest{Owner: c.key.ID, Privileged: c.key.Admin, Filter: filter, Rate: int(rate)}, watcher)
	defer others.close()
	t := &tail{w: w, conn: http.NewResponseController(w), patience: p.cfg.WriteTimeout}
	t.conn.SetReadDeadline(time.Time{}) // that of a body, which would end the answer
	defer t.conn.SetWriteDeadline(time.Time{})
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would collect the lines
	w.WriteHeader(http.StatusOK)
	p.observe(r, c, w.status, "")
	p.follow(r.Context(), t, c, watcher, others)
	return nil
}

func watchFailure(err error) error {
	if errors.Is(err, activity.ErrTooMany) {
		return &failure{
			status: http.StatusTooManyRequests, code: code.TooManyConnections, retryAfter: time.Second,
			message: "as many as are allowed watch already, of this key or of all; end one of them",
		}
	}
	return &failure{
		status: http.StatusServiceUnavailable, code: code.ShuttingDown, retryAfter: time.Second,
		message: "the platform is shutting down; try again in a moment",
	}
}

// follow writes what the watcher gets, and the others tell, until there is a reason to end.
func (p *Platform) follow(ctx context.Context, t *tail, c *call, watcher *activity.Watcher, others *elsewhere) {
	tick, check := time.NewTicker(tailEvery), time.NewTicker(tailCheck)
	defer tick.Stop()
	defer check.Stop()
	for err := t.write(watcher.Take(time.Now())); err == nil; {
		select {
		case <-ctx.Done():
			return
		case <-watcher.Ended():
			t.write(watcher.Take(time.Now()))
			return
		case <-check.C:
			if !p.mayStill(ctx, c) {
				return
			}
			others.ask()
		case now := <-tick.C:
			if lines := append(watcher.Take(now), others.take()...); len(lines) > 0 {
				err = t.write(lines)
			} else if now.Sub(t.wrote) >= tailIdle {
				err = t.write([]byte("\n"))
			}
		}
	}
}

// mayStill reports whether a caller may still see what it saw when its call was verified.
// While the store cannot tell, it may.
func (p *Platform) mayStill(ctx context.Context, c *call) bool {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	if c.person != nil { // whose role the program looks at that has let the person in
		again := &call{query: c.query, form: c.form}
		err := p.asPerson(ctx, again, c.person)
		if err == nil && again.params().Has("of") {
			_, err = p.about(ctx, again)
		}
		var refused *failure
		return !errors.As(err, &refused)
	}
	h, err := p.registry.holder(ctx, c.key.ID, c.holder)
	if errors.Is(err, ErrUnknownKey) {
		return false
	}
	if err != nil {
		return true
	}
	now := p.expiry()
	return !h.over(now) && h.key.shows(c.secret, now) && h.key.Admin == c.key.Admin && h.app.Exchange() == c.app.Exchange()
}

// A tail is the answer that goes on.
type tail struct {
	w        *answer
	conn     *http.ResponseController
	patience time.Duration // with a caller that does not read
	wrote    time.Time
}

// write sends lines, and the header if it is not sent yet.
func (t *tail) write(lines []byte) error {
	t.wrote = time.Now()
	t.conn.SetWriteDeadline(t.wrote.Add(t.patience))
	if _, err := t.w.Write(lines); err != nil {
		return err
	}
	return t.conn.Flush()
}
