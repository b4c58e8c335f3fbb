package platform_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// queuesOf returns how many queues a key has.
func queuesOf(t *testing.T, queues platform.Queues, key platform.Key) (count int) {
	t.Helper()
	all, err := queues.(platform.QueueDepths).Depths(t.Context())
	must(t, err)
	for _, d := range all {
		if d.Owner == key.ID {
			count++
		}
	}
	return count
}

func TestADeletedKeyLeavesNoQueues(t *testing.T) {
	queues := newQueues(memory.Config{})
	p := newPlatform(t, platform.Config{Queues: queues})
	for _, how := range []string{"key", "app"} {
		key, other := makeKey(t, p, "shop"), adminKey
		for _, k := range []platform.Key{key, other} {
			ask(t, p, k, "POST", "platform/notify/write", "topic", "jobs", "data", "x").want(t, 200, "")
		}
		id := map[string]string{"key": key.ID, "app": "shop"}[how]
		ask(t, p, adminKey, "POST", "platform/"+how+"/delete", map[string]string{"key": "key", "app": "app_id"}[how], id).wantResult(t, "true")
		if n := queuesOf(t, queues, key); n > 0 {
			t.Errorf("%s/delete leaves %d queues", how, n)
		}
		if n := queuesOf(t, queues, other); n != 2 {
			t.Errorf("%s/delete leaves %d queues of another key", how, n)
		}
	}
}

// Its consumers learn that the key is gone, not that a topic was dropped.
func TestAConsumerOfADeletedKeyIsNotToldToComeBack(t *testing.T) {
	e := newEnv(t, platform.Config{Store: provisionedStore()})
	raw, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	peer := dialOver(t, raw, notifyTarget(shopKey.ID, shopKey.Secret, "/api/platform/notify"))
	ask(t, e.p, shopKey, "POST", "platform/notify/write", "topic", "jobs", "data", "x").wantResult(t, "true")
	peer.consume("jobs")
	peer.next()
	ask(t, e.p, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).wantResult(t, "true")
	if closed := peer.closed(); closed.Code != socket.PolicyViolation {
		t.Errorf("closed with %v", closed)
	}
	if n := queuesOf(t, e.queues, shopKey); n > 0 {
		t.Errorf("%d queues are left", n)
	}
}

// unforgetting is an engine that cannot remove an owner while it is broken.
type unforgetting struct {
	platform.Queues
	broken *bool
}

func (q unforgetting) Forget(ctx context.Context, owner string) error {
	if *q.broken {
		return errOutage
	}
	return q.Queues.Forget(ctx, owner)
}

func TestADeletionThatFailedCanBeCompleted(t *testing.T) {
	queues := newQueues(memory.Config{})
	broken := true
	p := newPlatform(t, platform.Config{Queues: unforgetting{queues, &broken}})
	for _, how := range []string{"key", "app"} {
		broken = true
		key := makeKey(t, p, "shop")
		ask(t, p, key, "POST", "platform/notify/write", "topic", "jobs", "data", "x").want(t, 200, "")
		parameter, id := "key", key.ID
		if how == "app" {
			parameter, id = "app_id", "shop"
		}
		ask(t, p, adminKey, "POST", "platform/"+how+"/delete", parameter, id).want(t, 503, "unavailable")
		ask(t, p, key, "GET", "platform/notify/status").want(t, 401, "unknown_key")
		broken = false
		ask(t, p, adminKey, "POST", "platform/"+how+"/delete", parameter, id).wantResult(t, "true")
		if n := queuesOf(t, queues, key); n > 0 {
			t.Errorf("%s/delete leaves %d queues", how, n)
		}
		ask(t, p, key, "GET", "platform/notify/status").want(t, 401, "unknown_key")
	}
}

// movingStore moves a key to another domain once it was looked up for the call.
type movingStore struct {
	platform.Store
	armed bool
	err   error
}

func (s *movingStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	r, err := s.Store.Load(ctx, kind, id)
	if s.armed && kind == "app" && id == platform.RecordID("shop") {
		s.armed = false
		moved := shopKey
		moved.App = "alien"
		s.err = errors.Join(s.err, platform.NewRegistry(s.Store).SaveKey(ctx, moved))
	}
	return r, err
}

func TestAKeyThatWasMovedMeanwhileIsNotDeleted(t *testing.T) {
	queues := newQueues(memory.Config{})
	store := &movingStore{Store: provisionedStore()}
	p := newPlatform(t, platform.Config{Store: store, Queues: queues})
	ask(t, p, shopKey, "POST", "platform/notify/write", "topic", "jobs", "data", "x").want(t, 200, "")
	store.armed = true
	ask(t, p, adminKey, "POST", "platform/key/delete", "key", shopKey.ID).want(t, 404, "unknown_key")
	must(t, store.err)
	if n := queuesOf(t, queues, shopKey); n != 2 {
		t.Errorf("%d of 2 queues are left", n)
	}
	ask(t, p, shopKey, "GET", "platform/notify/status").want(t, 200, "")
}
