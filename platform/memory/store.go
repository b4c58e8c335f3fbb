package memory

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"

	"github.com/shopex/prism-go/platform"
)

// Store holds the platform's keys, apps and records, as [platform.Store]
// describes. The zero Store is empty and ready to use. Its methods may be
// called from any number of goroutines; they do not wait.
type Store struct {
	mu       sync.RWMutex // guards all below
	keys     map[string]platform.Key
	apps     map[string]platform.App
	records  map[recordKey]record
	revision uint64 // the last one given
	full     int    // as many records make the next sweep
}

var _ platform.Store = (*Store)(nil)

// NewStore returns a store that holds keys.
func NewStore(keys ...platform.Key) *Store {
	s := &Store{}
	s.Add(keys...)
	return s
}

// Add adds keys, each in place of the key that had the same ID.
func (s *Store) Add(keys ...platform.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = make(map[string]platform.Key)
	}
	for _, k := range keys {
		s.keys[k.ID] = k
	}
}

// Key returns the key with this client_id, or [platform.ErrUnknownKey].
func (s *Store) Key(_ context.Context, id string) (platform.Key, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.keys[id]
	if !ok {
		return platform.Key{}, platform.ErrUnknownKey
	}
	return k, nil
}

// AddApp adds apps, each in place of the app that had the same name.
func (s *Store) AddApp(apps ...platform.App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apps == nil {
		s.apps = make(map[string]platform.App)
	}
	for _, a := range apps {
		a.Redirects = slices.Clone(a.Redirects)
		s.apps[a.Name] = a
	}
}

// App returns the app with this name, or [platform.ErrUnknownApp].
func (s *Store) App(_ context.Context, name string) (platform.App, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.apps[name]
	if !ok {
		return platform.App{}, platform.ErrUnknownApp
	}
	a.Redirects = slices.Clone(a.Redirects)
	return a, nil
}

// NewKey returns a random key for app that looks like those of the platform:
// 8 and 20 lower-case characters of base32 (protocol chapter 1), where the
// secret has 100 random bits. It is in no store yet.
func NewKey(app string) platform.Key {
	return platform.Key{ID: randomText(8), Secret: randomText(20), App: app}
}

// randomText returns n characters, at most 26.
func randomText(n int) string {
	return strings.ToLower(rand.Text()[:n])
}
