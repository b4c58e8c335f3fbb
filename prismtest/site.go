package prismtest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
)

// Site serves an application of the test at an address of its own, and returns
// its URL, such as http://127.0.0.1:34568. It is to [net/http/httptest.NewServer]
// what the Server is to a platform: with [Config].Pipe it is in memory, where
// [Server.Browser] and the clients of this Server find it. It has none of the
// faults of the platform's network, and is closed with the test, before the
// platform.
func (s *Server) Site(h http.Handler) (url string) {
	s.t.Helper()
	l, err := s.siteListener()
	if err != nil {
		s.t.Fatalf("prismtest: there is no port to listen on: %v", err)
		return ""
	}
	site := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		site.Serve(l)
	}()
	s.t.Cleanup(func() {
		s.end(site)
		<-served
	})
	return "http://" + l.Addr().String()
}

func (s *Server) siteListener() (net.Listener, error) {
	if s.pipes != nil {
		return s.pipes.listen(), nil
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// end ends an HTTP server, and gives the requests that it serves a moment.
func (s *Server) end(h *http.Server) {
	s.client.CloseIdleConnections() // for Shutdown waits for connections without a request
	ctx, cancel := context.WithTimeout(context.Background(), servingTime)
	defer cancel()
	if h.Shutdown(ctx) != nil {
		h.Close()
	}
}
