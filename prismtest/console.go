package prismtest

import (
	"net/http"
	"strings"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/console"
)

// Console returns an address that opens the console of the platform in a browser of this
// machine, once, as the operator: to look into a test that fails, while it runs. Print it,
// and let the test wait.
//
//	t.Log(srv.Console())
//	<-t.Context().Done() // until Ctrl-C, or the test's timeout
//
// The console is there until the test ends, also after [Server.Restart]. There is none over
// pipes.
func (s *Server) Console() string {
	s.t.Helper()
	if s.piped {
		s.t.Fatalf("prismtest: Console: with Config.Pipe no browser reaches the platform")
	}
	if s.console.Load() == nil {
		s.openConsole(s.current.Load())
	}
	return strings.TrimSuffix(s.url, basePath(s.cfg.BasePath)) + s.console.Load().Link()
}

// openConsole makes the console of a platform.
func (s *Server) openConsole(p *platform.Platform) {
	s.t.Helper()
	c, err := console.New(console.Config{
		Platform: p, Store: s.cfg.Store, Registry: s.registry, Links: true, APIBase: s.cfg.BasePath, Now: s.clock.now, Logger: s.log,
	})
	if err != nil {
		s.t.Fatalf("prismtest: Console: %v", err)
	}
	s.console.Store(c)
}

// handler returns what answers: the platform, with the console before it if it is open.
func (s *Server) handler() http.Handler {
	if c := s.console.Load(); c != nil {
		return c.Mount(s.current.Load())
	}
	return s.current.Load()
}
