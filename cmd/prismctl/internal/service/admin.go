package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/conns"
	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
)

// readyTime is how long /readyz waits for the engine.
const readyTime = 2 * time.Second

// adminConns bounds the connections to /metrics and the like.
const adminConns = 128

// An adminServer tells operators how the platform is. A nil one is of no
// address.
type adminServer struct {
	url     string
	engine  *engine.Engine
	metrics *metrics
}

// administer serves --admin-listen until the end of s, if there is one.
func (s *service) administer() {
	l := s.adminListener
	if l == nil {
		return
	}
	if !onLoopback(l.Addr()) {
		s.notice("WARNING: other machines can reach %s, where nobody has to log in: the names of keys and topics and all counts can be read there.", l.Addr())
	}
	s.admin = &adminServer{url: "http://" + reachable(l.Addr()), engine: s.engine, metrics: s.metrics}
	server, conns := conns.NewServer(ownHost(l.Addr(), s.admin.handler()), l, conns.Limit{Total: adminConns, PerAddress: adminConns}, s.log)
	served := make(chan error, 1)
	go func() { served <- server.Serve(conns) }()
	s.ends = append(s.ends, func() error {
		err := server.Close()
		return errors.Join(err, ignore(<-served, http.ErrServerClosed))
	})
}

func (a *adminServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.metrics.handler())
	return mux
}

// ownHost refuses requests for the name of another host where only this machine
// can connect: a page in a browser here could read the answer by letting its
// own name lead to this address.
func ownHost(at net.Addr, h http.Handler) http.Handler {
	if !onLoopback(at) {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
			http.Error(w, "this address is for this machine: call it by its IP address or as localhost", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// ready says in one line whether calls should come here.
func (a *adminServer) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if a.metrics.draining.Load() {
		http.Error(w, "draining: the platform is about to end", http.StatusServiceUnavailable)
	} else if err := a.engine.Ready(ctx); err != nil {
		http.Error(w, "the engine is not ready: "+oneLine(err), http.StatusServiceUnavailable)
	} else {
		fmt.Fprintln(w, "ready")
	}
}

// address is where the server is, or "".
func (a *adminServer) address() string {
	if a == nil {
		return ""
	}
	return a.url
}

// oneLine is the text of an error without line breaks.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
