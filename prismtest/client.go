package prismtest

import (
	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// URL is the base URL of the API, such as http://127.0.0.1:34567/api. With
// [Config].Pipe nothing but the clients of this Server can reach it.
func (s *Server) URL() string { return s.url }

// Key is the client_id of the first key.
func (s *Server) Key() string { return s.key.ID }

// Secret is the secret of the first key.
func (s *Server) Secret() string { return s.key.Secret }

// NewKey adds a random key of the same app. Its queues are its own.
func (s *Server) NewKey() platform.Key {
	s.t.Helper()
	key := memory.NewKey(s.key.App)
	s.AddKey(key)
	return key
}

// AddKey adds a key, in place of the one that had the same ID: with another
// secret for [Server.Key], clients see themselves refused.
func (s *Server) AddKey(key platform.Key) {
	s.t.Helper()
	if !s.add(key) {
		s.t.Fatalf("prismtest: Config.Platform.Store takes no key: give it one with a method Add(...platform.Key)")
	}
}

// add tells whether the store takes keys.
func (s *Server) add(key platform.Key) bool {
	store, ok := s.cfg.Store.(interface{ Add(...platform.Key) })
	if ok {
		store.Add(key)
	}
	return ok
}

// Client returns a new client of the first key.
func (s *Server) Client() *prism.Client {
	s.t.Helper()
	return s.ClientFor(s.key)
}

// ClientFor returns a new client of key.
func (s *Server) ClientFor(key platform.Key) *prism.Client {
	s.t.Helper()
	cfg := s.ClientConfig()
	cfg.Key, cfg.Secret = key.ID, key.Secret
	client, err := prism.New(cfg)
	if err != nil {
		s.t.Fatalf("prismtest: no client: %v", err)
	}
	return client
}

// ClientConfig returns what [Server.Client] gives to [prism.New], to be changed
// before that. Its HTTPClient belongs to the Server: it knows the way there,
// and all clients share its idle connections, which end with the test.
func (s *Server) ClientConfig() prism.Config {
	return prism.Config{Server: s.url, Key: s.key.ID, Secret: s.key.Secret, HTTPClient: s.client, Logger: s.log}
}
