package tour

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// inMemory opens the engine that a tour uses by default.
func inMemory(context.Context) (Engine, error) {
	return Engine{new(memory.Store), memory.New(memory.Config{}), func() error { return nil }}, nil
}

// start serves a platform whose backend has one API of a shop.
func (s *story) start(ctx context.Context) error {
	engine, err := s.Open(ctx)
	if err != nil {
		return err
	}
	s.engine = &engine
	s.made = &madeRecords{Store: engine.Store, made: map[record]bool{}}
	if err := s.provision(ctx); err != nil {
		return err
	}
	if err := s.serve(); err != nil {
		return err
	}
	if s.client, err = s.clientOf(s.key); err == nil {
		s.erpClient, err = s.clientOf(s.erp)
	}
	s.say("listening", "on %s, with the key %s of a shop and the key %s of an ERP", s.host.url, s.key.ID, s.erp.ID)
	s.show("on %s, with keys of a shop and of an ERP", s.host.url)
	return err
}

func (s *story) clientOf(key platform.Key) (*prism.Client, error) {
	return prism.New(prism.Config{Server: s.host.url, Key: key.ID, Secret: key.Secret})
}

// provision makes three apps with a key each, and a user, with unique names and in a domain
// of their own, as the engine may have others: those must not get the messages of a tour.
// The shop may publish orders, and the ERP may listen to them. The third key is an admin key.
func (s *story) provision(ctx context.Context) error {
	s.registry = platform.NewRegistry(s.made)
	s.key, s.erp, s.admin = platform.NewKey(""), platform.NewKey(""), platform.NewKey("")
	s.key.App = "demo-" + s.key.ID
	s.erp.App, s.admin.App = s.key.App+"-erp", s.key.App+"-admin"
	s.admin.Admin = true
	orders := platform.Matching("order.#")
	s.password = platform.NewKey("").Secret
	hash, err := platform.HashPassword(s.password, 1) // a random password needs no slow hash
	if err != nil {
		return err
	}
	return cmp.Or(
		s.registry.SaveApp(ctx, platform.App{
			ID: s.key.App, Domain: s.key.App, Publish: orders, Listen: platform.Nothing(),
			Redirects: []string{"http://127.0.0.1" + callbackPath},
		}),
		s.registry.SaveApp(ctx, platform.App{ID: s.erp.App, Domain: s.key.App, Publish: platform.Nothing(), Listen: orders}),
		s.registry.SaveApp(ctx, platform.App{ID: s.admin.App, Domain: s.key.App, Publish: platform.Nothing(), Listen: platform.Nothing()}),
		s.registry.SaveKey(ctx, s.key),
		s.registry.SaveKey(ctx, s.erp),
		s.registry.SaveKey(ctx, s.admin),
		s.registry.SaveUser(ctx, platform.User{ID: s.key.App, Login: s.key.App}, hash))
}

// A host is a platform that is being served.
type host struct {
	url      string // of the API
	platform *platform.Platform
	server   *http.Server
	ended    chan struct{} // closed when the server has ended
}

// serve begins to serve on a free port.
func (s *story) serve() error {
	silent := slog.New(slog.DiscardHandler)
	p, err := platform.New(platform.Config{
		Store: s.made, Users: s.registry, Queues: s.engine.Queues, Logger: silent,
		Explain: true, Backend: http.HandlerFunc(shop), Trace: &platform.Trace{Ack: s.sawAck},
		Gateway: platform.Gateway{Loopback: true},
	})
	if err != nil {
		return err
	}
	l, err := listen()
	if err != nil {
		return errors.Join(err, p.Shutdown(context.Background()))
	}
	s.cutter = newCutter(l)
	server := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(silent.Handler(), slog.LevelWarn)}
	ended := make(chan struct{})
	s.host = &host{"http://" + l.Addr().String() + "/api", p, server, ended}
	go func() {
		defer close(ended)
		_ = server.Serve(s.cutter)
	}()
	return nil
}

func listen() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	return l, nil
}

// stop closes channels and lets calls finish, until ctx ends.
func (h *host) stop(ctx context.Context) error {
	err := errors.Join(h.platform.Shutdown(ctx), h.server.Shutdown(ctx))
	if err != nil {
		_ = h.server.Close()
	}
	<-h.ended
	return err
}

// shop is the backend of an API provider.
func shop(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	user, _ := url.ParseQuery(r.Header.Get("X-Api-Oauth"))
	fmt.Fprintf(w, `{"result":{"order":%q,"state":"paid","customer":%q},"error":null}`, r.FormValue("id"), user.Get("login"))
}

func (s *story) sawAck(platform.AckEvent) {
	select {
	case s.acked <- struct{}{}:
	default:
	}
}
