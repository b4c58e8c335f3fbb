package memory

import (
	"cmp"
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
	adding sync.Mutex // so that an app that Add makes does not replace one of AddApp

	mu       sync.RWMutex // guards what follows
	shelves  map[string]*shelf
	revision uint64 // the last one given
}

var _ platform.Store = (*Store)(nil)

// NewStore returns a store that holds keys, and an app for each of them. It
// returns the errors of Add.
func NewStore(keys ...platform.Key) (*Store, error) {
	s := new(Store)
	if err := s.Add(keys...); err != nil {
		return nil, err
	}
	return s, nil
}

// Add adds keys, each in place of the key that had the same ID. If the app of a key does
// not exist, Add makes it: with an ID and nothing else, and with all permissions. Add is
// [platform.Registry.SaveKey] for keys that are written in a program. It stops at the
// first key that is refused, because it has no ID, Secret or App, or a time after the
// year 9999, which JSON cannot express.
func (s *Store) Add(keys ...platform.Key) error {
	s.adding.Lock()
	defer s.adding.Unlock()
	ctx, registry := context.Background(), platform.NewRegistry(s)
	for _, k := range keys {
		_, err := registry.App(ctx, k.App)
		if errors.Is(err, platform.ErrUnknownApp) && k.App != "" {
			err = registry.SaveApp(ctx, platform.App{ID: k.App, Created: k.Created})
		}
		if err := cmp.Or(registry.SaveKey(ctx, k), err); err != nil {
			return err
		}
	}
	return nil
}

// AddApp adds apps, each in place of the app that had the same ID. It is to
// [platform.Registry.SaveApp] what Add is to SaveKey.
func (s *Store) AddApp(apps ...platform.App) error {
	s.adding.Lock()
	defer s.adding.Unlock()
	registry := platform.NewRegistry(s)
	for _, a := range apps {
		if err := registry.SaveApp(context.Background(), a); err != nil {
			return err
		}
	}
	return nil
}
