package prismtest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
)

// Site serves an application of the test at an address of its own, and returns its URL,
// such as http://127.0.0.1:34568. It is like [net/http/httptest.NewServer], but with
// [Config].Pipe it is in memory, where [Server.Browser] and the clients of this Server
// reach it. The faults of the Server do not affect it. It is closed at the end of the
// test, before the platform.
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

// end ends an HTTP server. Requests that it serves have a moment to finish.
func (s *Server) end(h *http.Server) {
	s.client.CloseIdleConnections() // because Shutdown waits for connections without a request
	ctx, cancel := context.WithTimeout(context.Background(), servingTime)
	defer cancel()
	if h.Shutdown(ctx) != nil {
		h.Close()
	}
}
