package memory

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestStoreFindsTheKeysThatWereAdded(t *testing.T) {
	first, second := NewKey("shop"), NewKey("shop")
	s := NewStore(first)
	s.Add(second)
	for _, want := range []platform.Key{first, second} {
		if got, err := s.Key(context.Background(), want.ID); got != want || err != nil {
			t.Errorf("got another key for %q, error %v", want.ID, err)
		}
	}
	if _, err := s.Key(context.Background(), "unknown"); !errors.Is(err, platform.ErrUnknownKey) {
		t.Errorf("unknown key: error %v", err)
	}
	if _, err := new(Store).Key(context.Background(), first.ID); !errors.Is(err, platform.ErrUnknownKey) {
		t.Errorf("zero store: error %v", err)
	}
}

func TestAddReplacesAKeyWithTheSameID(t *testing.T) {
	k := NewKey("shop")
	s := NewStore(k)
	k.App = "other"
	s.Add(k)
	if got, _ := s.Key(context.Background(), k.ID); got.App != "other" {
		t.Errorf("the key belongs to %q", got.App)
	}
}

func TestStoreMayBeUsedByManyGoroutines(t *testing.T) {
	var s Store
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				k := NewKey("")
				s.Add(k)
				if _, err := s.Key(context.Background(), k.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestNewKeysLookLikeThoseOfThePlatform(t *testing.T) {
	seen := make(map[string]bool)
	shape := regexp.MustCompile(`^[a-z2-7]{8} [a-z2-7]{20}$`)
	for range 1000 {
		k := NewKey("shop")
		if !shape.MatchString(k.ID+" "+k.Secret) || k.App != "shop" {
			t.Fatalf("key %q of app %q has another shape", k.ID, k.App)
		}
		if seen[k.ID] || seen[k.Secret] {
			t.Fatalf("key %q came twice", k.ID)
		}
		seen[k.ID], seen[k.Secret] = true, true
	}
}
