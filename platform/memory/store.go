package memory

import (
	"context"
	"errors"
	"sync"

	"github.com/shopex/prism-go/platform"
)

// Store holds the platform's records, as [platform.Store] describes; a
// [platform.Registry] over it finds apps, keys and users. The zero Store is
// empty and ready to use. Its methods may be called from any number of
// goroutines; they do not wait.
type Store struct {
	adding sync.Mutex // so that an app which Add makes replaces none of AddApp

	mu       sync.RWMutex // guards what follows
	shelves  map[string]*shelf
	revision uint64 // the last one given
}

var _ platform.Store = (*Store)(nil)

// NewStore returns a store that holds keys, and an app for each of them.
func NewStore(keys ...platform.Key) *Store {
	s := &Store{}
	s.Add(keys...)
	return s
}

// Add adds keys, each in place of the key that had the same ID. The app of a
// key is made if it is not there: it has an ID, nothing else, and may do all.
// Add is [platform.Registry.SaveKey] for what is written in a program; a key
// that it would refuse, for want of an ID, a Secret or an App or for a time that
// JSON cannot express, after the year 9999, is left out.
func (s *Store) Add(keys ...platform.Key) {
	s.adding.Lock()
	defer s.adding.Unlock()
	ctx, registry := context.Background(), platform.NewRegistry(s)
	for _, k := range keys {
		if _, err := registry.App(ctx, k.App); errors.Is(err, platform.ErrUnknownApp) {
			_ = registry.SaveApp(ctx, platform.App{ID: k.App, Created: k.Created})
		}
		_ = registry.SaveKey(ctx, k)
	}
}

// AddApp adds apps, each in place of the app that had the same ID. It is to
// [platform.Registry.SaveApp] what Add is to SaveKey.
func (s *Store) AddApp(apps ...platform.App) {
	s.adding.Lock()
	defer s.adding.Unlock()
	registry := platform.NewRegistry(s)
	for _, a := range apps {
		_ = registry.SaveApp(context.Background(), a)
	}
}
