package prismtest

import (
	"cmp"
	"context"
	"errors"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
)

// URL returns the base URL of the API, such as http://127.0.0.1:34567/api. With
// [Config].Pipe only the clients of this Server can reach it.
func (s *Server) URL() string { return s.url }

// Key returns the client_id of the first key.
func (s *Server) Key() string { return s.key.ID }

// Secret returns the secret of the first key.
func (s *Server) Secret() string { return s.key.Secret }

// NewKey adds a random key of the same app. Its queues are its own.
func (s *Server) NewKey() platform.Key {
	s.t.Helper()
	key := platform.NewKey(s.key.App)
	s.AddKey(key)
	return key
}

// AddKey adds a key, in place of the one that had the same ID: with another secret for
// [Server.Key], clients of that key are refused. Without an App the key gets that of the
// first key. If its App does not exist, AddKey makes it.
func (s *Server) AddKey(key platform.Key) {
	s.t.Helper()
	key.App = cmp.Or(key.App, s.key.App)
	ctx := context.Background()
	err := s.registry.SaveKey(ctx, key)
	if errors.Is(err, platform.ErrUnknownApp) {
		if err = s.needApp(ctx, key.App); err == nil {
			err = s.registry.SaveKey(ctx, key)
		}
	}
	if err != nil {
		s.t.Fatalf("prismtest: Config.Platform.Store did not take the key %q: %v", key.ID, err)
	}
}

// needApp makes the app with this ID, unless it exists.
func (s *Server) needApp(ctx context.Context, id string) error {
	s.mu.Lock() // so that no other call makes it, or changes it, meanwhile
	defer s.mu.Unlock()
	_, err := s.registry.App(ctx, id)
	if errors.Is(err, platform.ErrUnknownApp) {
		return s.registry.SaveApp(ctx, platform.App{ID: id})
	}
	return err
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

// ClientConfig returns the configuration of [Server.Client], for a test that changes it
// before [prism.New]. Its HTTPClient belongs to the Server: it reaches the platform, and
// all clients share its idle connections, which end with the test.
func (s *Server) ClientConfig() prism.Config {
	return prism.Config{Server: s.url, Key: s.key.ID, Secret: s.key.Secret, HTTPClient: s.client, Logger: s.log}
}
