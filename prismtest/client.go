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

// NewKey adds a random key of the same app. Its queues are its own; what any key of the
// domain publishes reaches them, as they are bound.
func (s *Server) NewKey() platform.Key {
	s.t.Helper()
	key := platform.NewKey(s.key.App)
	s.AddKey(key)
	return key
}

// AddKey adds a key, in place of the one that had the same ID: with another secret for
// [Server.Key], clients of that key are refused. Without an App the key gets that of the
// first key. If its App does not exist, AddKey makes one that may publish and listen to
// everything. A new key without Bindings begins with # for its default queue, or with
// the bindings of Config.Memory; its queues are there when AddKey returns.
func (s *Server) AddKey(key platform.Key) {
	s.t.Helper()
	key.App = cmp.Or(key.App, s.key.App)
	if key.Bindings == nil {
		key.Bindings = s.bindings
	}
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
	s.declare(ctx, key)
}

// Push makes the platform post the messages in the default queue of the first key to an
// address of this machine, in their order, and returns the secret that signs them, which
// begins with "whsec_". Package admin does so for other keys. [Server.WaitPushes] waits
// for what is posted.
func (s *Server) Push(address string) (secret string) {
	s.t.Helper()
	secret, err := s.registry.SetPush(context.Background(), s.key.ID, address, 1)
	if err != nil {
		s.t.Fatalf("prismtest: pushing to an address: %v", err)
	}
	s.reconcile()
	return secret
}

// declare makes the queues of a key, as the platform does when it uses them first. It is
// quicker than reconcile, for tests with many keys.
func (s *Server) declare(ctx context.Context, key platform.Key) {
	s.t.Helper()
	app, err := s.registry.App(ctx, key.App)
	if err == nil {
		err = s.queues.Declare(ctx, key.ID, platform.Owner{Exchange: app.Exchange(), Listen: app.Listen, Bindings: key.Bindings})
	}
	if err != nil {
		s.t.Fatalf("prismtest: the queues of the key %q cannot be made: %v", key.ID, err)
	}
}

// AddApp adds an app, in place of the one that had the same ID, for a test of what apps
// may publish and listen to: that counts at once, also for the keys that the app has.
//
//	srv.AddApp(platform.App{ID: "erp", Publish: platform.Nothing(), Listen: platform.Matching("order.#")})
//	erp := platform.NewKey("erp")
//	srv.AddKey(erp)
func (s *Server) AddApp(app platform.App) {
	s.t.Helper()
	s.mu.Lock()
	err := s.registry.SaveApp(context.Background(), app)
	s.mu.Unlock()
	if err != nil {
		s.t.Fatalf("prismtest: Config.Platform.Store did not take the app %q: %v", app.ID, err)
	}
	s.reconcile()
}

// reconcile tells the queues of apps and keys that were changed past the platform.
func (s *Server) reconcile() {
	s.t.Helper()
	if err := s.current.Load().Reconcile(context.Background()); err != nil {
		s.t.Fatalf("prismtest: the queues do not learn of the apps and keys: %v", err)
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
