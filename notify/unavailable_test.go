package notify_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

// flaky is an engine that is not available for its first calls.
type flaky struct {
	platform.Queues
	publish, consume atomic.Int64
}

func (f *flaky) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	if f.publish.Add(1) < 3 {
		return nil, platform.ErrUnavailable
	}
	return f.Queues.Publish(ctx, exchange, ms...)
}

func (f *flaky) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	if f.consume.Add(1) < 3 {
		return nil, platform.ErrUnavailable
	}
	return f.Queues.Consume(ctx, owner, topic, name)
}

func TestAnEngineThatIsNotAvailableIsTriedAgain(t *testing.T) {
	queues := &flaky{Queues: memory.New(memory.Config{Bindings: []platform.Binding{{Pattern: "#"}}})}
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Queues: queues}})
	retry := notify.Reconnect{Delay: time.Millisecond}
	publisher, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{Reconnect: retry})
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close(t.Context())
	if err := publisher.Publish(t.Context(), "order.new", []byte("x")); err != nil {
		t.Fatal(err)
	}
	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{Reconnect: retry})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := consumer.Run(ctx, func(context.Context, *notify.Delivery) error { stop(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}
