package enginetest

import (
	"errors"
	"time"

	"github.com/shopex/prism-go/platform"
)

func expiry() []storePromise {
	return []storePromise{
		{"ARecordExpires", expires},
		{"SavingGivesARecordANewLife", newLife},
	}
}

// shortLife is that of a record which is to expire.
const shortLife = time.Second

func expires(t *storeTrial) {
	id, other := name(), name()
	began := time.Now()
	first := t.saveFor(id, "short", 0, shortLife)
	t.save(other, "long", 0)
	t.holds(kind, id, "short", first)
	t.gone(id, began)
	t.conflicts(id, first, "save over what has expired")
	second := t.save(id, "again", 0)
	if second == first {
		t.Fatalf("revision %d came again after the record had expired", first)
	}
	t.holds(kind, id, "again", second)
	if _, err := t.store.Load(t.ctx, kind, other); err != nil {
		t.Fatalf("load of a record that has not expired: %v", err)
	}
}

func newLife(t *storeTrial) {
	kept, lost := name(), name()
	began := time.Now()
	revision := t.save(kept, "short", t.saveFor(kept, "short", 0, shortLife))
	t.saveFor(lost, "short", t.save(lost, "long", 0), shortLife)
	t.gone(lost, began)
	t.holds(kind, kept, "short", revision)
}

// gone waits until a record of a short life that was saved after began has
// expired.
func (t *storeTrial) gone(id string, began time.Time) {
	t.Helper()
	late := time.After(t.limit / 2)
	for {
		_, err := t.store.Load(t.ctx, kind, id)
		if errors.Is(err, platform.ErrNoRecord) {
			break
		}
		t.must(err, "load")
		select {
		case <-late:
			t.Fatalf("a record that was to live for %v is still there after %v", shortLife, time.Since(began))
		case <-time.After(10 * time.Millisecond):
		}
	}
	if lived := time.Since(began); lived < shortLife {
		t.Fatalf("a record that was to live for %v was gone after %v", shortLife, lived)
	}
}
