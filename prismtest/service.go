package prismtest

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
)

// Serve runs h as the backend of a service, as [Server.Site] does, and lets the keys of the
// test's app call all of its APIs. description needs a Prefix; calls come to h below the
// path of its URL. What is set for the service, such as the secret of its signature, is
// changed by [Server.ChangeService]. With [Config].Pipe no backend can be reached, so Serve
// fails the test.
//
//	orders := srv.Serve(&apijson.Service{Prefix: "orders"}, handler)
//	srv.ChangeService(orders.ID, func(s *platform.Service) { s.Config = map[string]string{"token": "secret"} })
//
// The ID of the service is its prefix, with each slash as a hyphen.
func (s *Server) Serve(description *apijson.Service, h http.Handler) platform.Service {
	s.t.Helper()
	if s.piped {
		s.t.Fatalf("prismtest: Serve needs TCP: through pipes the platform reaches no backend")
		return platform.Service{}
	}
	file := *description
	backend := s.Site(h)
	if u, err := url.Parse(file.URL); err == nil {
		backend += u.EscapedPath()
	}
	file.URL = backend
	service := platform.Service{
		ID: strings.ReplaceAll(file.Prefix, "/", "-"), File: file.Format(),
		Online: true, Trusted: true, Created: s.Now(),
	}
	if err := s.registry.SaveService(context.Background(), service); err != nil {
		s.t.Fatalf("prismtest: the service %q cannot be saved: %v", file.Prefix, err)
		return platform.Service{}
	}
	s.Bind(service.ID, "*", apijson.Limit{})
	return s.ChangeService(service.ID, func(*platform.Service) {})
}

// ChangeService changes a service and returns the new one. It counts for the next call.
func (s *Server) ChangeService(id string, change func(*platform.Service)) platform.Service {
	s.t.Helper()
	service, err := s.registry.UpdateService(context.Background(), id, func(service *platform.Service) error {
		change(service)
		return nil
	})
	if err != nil {
		s.t.Fatalf("prismtest: the service %q cannot be changed: %v", id, err)
	}
	s.reconcile()
	return service
}

// Bind lets the keys of the test's app call APIs of a service: all of them if path is "*",
// else the one with this method ID or path. A limit that is not zero is in place of that
// of the API. It counts for the next call.
func (s *Server) Bind(service, path string, limit apijson.Limit) {
	s.t.Helper()
	err := s.registry.BindAPI(context.Background(), s.key.App, platform.APIBinding{Service: service, Path: path, Limit: limit})
	if err != nil {
		s.t.Fatalf("prismtest: the app %q cannot be bound to the service %q: %v", s.key.App, service, err)
	}
}

// Unbind takes back what [Server.Bind] or [Server.Serve] has allowed. It counts for the
// next call.
func (s *Server) Unbind(service, path string) {
	s.t.Helper()
	if err := s.registry.UnbindAPI(context.Background(), s.key.App, service, path); err != nil {
		s.t.Fatalf("prismtest: the binding of the app %q to the service %q cannot be taken back: %v", s.key.App, service, err)
	}
}
