package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/conns"
	"github.com/shopex/prism-go/platform"
)

// A host is a platform that is being served. It accepts connections from the
// moment the listener was made.
type host struct {
	url      string // of the API
	platform *platform.Platform
	server   *http.Server
	conns    *conns.Listener
	pushed   chan struct{} // closed when Push has returned
	ended    chan struct{} // closed when Serve has returned failure
	failure  error
}

// serveSecure serves what around makes of a platform, within a limit, and by TLS if there is
// a certificate. First the
// queues of all keys get what they begin with, and what their apps may listen to.
func serveSecure(ctx context.Context, l net.Listener, cert *certificate, limit conns.Limit, cfg platform.Config, around func(*platform.Platform) (http.Handler, error)) (*host, error) {
	p, err := platform.New(cfg)
	if err != nil {
		return nil, err
	}
	handler, err := around(p)
	if err == nil {
		err = reconcile(ctx, p, cfg.Logger)
	}
	if err != nil {
		return nil, errors.Join(err, p.Shutdown(context.WithoutCancel(ctx)))
	}
	h := &host{platform: p, pushed: make(chan struct{}), ended: make(chan struct{})}
	h.server, h.conns = conns.NewServer(handler, l, limit, cfg.Logger)
	serve, scheme := func() error { return h.server.Serve(h.conns) }, "http://"
	if cert != nil {
		h.server.TLSConfig = cert.config()
		serve, scheme = func() error { return h.server.ServeTLS(h.conns, "", "") }, "https://"
	}
	h.url = scheme + reachable(l.Addr()) + "/api"
	go func() {
		defer close(h.ended)
		h.failure = serve()
	}()
	go func() {
		defer close(h.pushed)
		p.Push(context.WithoutCancel(ctx)) // until Shutdown
	}()
	return h, nil
}

// formTime is how long the servers of a cluster, one of which may have just gone, have to
// choose a leader.
const formTime = 30 * time.Second

// reconcile tells the engine about all keys. While the engine is not available it tries
// again, for a while.
func reconcile(ctx context.Context, p *platform.Platform, log *slog.Logger) error {
	for began := time.Now(); ; {
		err := p.Reconcile(ctx)
		if !errors.Is(err, platform.ErrUnavailable) || ctx.Err() != nil || time.Since(began) > formTime {
			return err
		}
		log.Warn("what keys may listen to is not known yet; tried again", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// stop ends channels with code 1001 and lets calls finish, at the same time:
// peers that do not leave take nothing of what calls have. When ctx ends first it
// cuts what is left.
func (h *host) stop(ctx context.Context) error {
	channels := make(chan error, 1)
	go func() { channels <- h.platform.Shutdown(ctx) }()
	err := h.server.Shutdown(ctx)
	if err = cmp.Or(err, <-channels); err != nil {
		_ = h.server.Close()
	}
	<-h.ended
	<-h.pushed
	return err
}

// reachable is an address by which this machine reaches a listener.
func reachable(a net.Addr) string {
	addr, err := netip.ParseAddrPort(a.String())
	if err != nil || !addr.Addr().IsUnspecified() {
		return a.String()
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port()).String()
}

// onLoopback reports whether only this machine reaches the address.
func onLoopback(a net.Addr) bool {
	addr, err := netip.ParseAddrPort(a.String())
	return err == nil && addr.Addr().Unmap().IsLoopback()
}
