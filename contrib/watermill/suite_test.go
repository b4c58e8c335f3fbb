package prismwatermill

import (
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// newServer returns a platform whose default queues get nothing, as nobody consumes them.
func newServer(t *testing.T) *prismtest.Server {
	return prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{Bindings: []platform.Binding{}}})
}

func pubSub(t *testing.T, srv *prismtest.Server, group string) (message.Publisher, message.Subscriber) {
	t.Helper()
	publisher, err := NewPublisher(srv.Client(), PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	subscriber, err := NewSubscriber(srv.Client(), SubscriberConfig{Group: group, Consumer: notify.ConsumerConfig{
		AttemptDelay: time.Millisecond, Grace: time.Millisecond, // as the suite keeps messages without an ack
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close(); _ = subscriber.Close() }) // one test of the suite closes before it subscribes
	return publisher, subscriber
}

// The suite of Watermill for everything that holds: it is at-least-once, ordered for one
// subscriber, and shared within a group. Its short form sends fewer messages. Two of its
// tests are left out: what was acknowledged does not come again for new subscribers, and
// that of reconnecting reads what it has published while it notes it, which no feature
// changes. TestEverythingComesThoughConnectionsEnd tells its story.
func TestTheSuiteOfWatermillPasses(t *testing.T) {
	srv := newServer(t)
	features := tests.Features{ConsumerGroups: true, GuaranteedOrder: true, GuaranteedOrderWithSingleSubscriber: true, Persistent: true, ForceShort: true}
	tests.TestPubSub(t, features,
		func(t *testing.T) (message.Publisher, message.Subscriber) { return pubSub(t, srv, "") },
		func(t *testing.T, group string) (message.Publisher, message.Subscriber) { return pubSub(t, srv, group) })
}
