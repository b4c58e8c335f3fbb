package admin_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/notify"
)

// What provisioning does to the publishers and consumers of package notify.

func TestAPublisherLosesOnlyTheMessagesThatAreNotAllowed(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	publisher, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close(ctx)
	if err := publisher.Publish(ctx, "stock.low", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := a.AllowPublish(ctx, "test", admin.Matching("order.*")); err != nil {
		t.Fatal(err)
	}
	var refused *notify.RefusedError
	if err := publisher.Publish(ctx, "stock.low", []byte("x")); !errors.As(err, &refused) || !strings.Contains(refused.Reason, "stock.low") {
		t.Errorf("a message that is not allowed: %v", err)
	}
	if err := publisher.Publish(ctx, "order.new", []byte("x")); err != nil {
		t.Errorf("a message that is allowed: %v", err)
	}
}

func TestTheConsumerOfADeletedKeyEnds(t *testing.T) {
	srv, a := newAdmin(t)
	key, err := a.CreateKey(t.Context(), "test", admin.NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	connected := make(chan struct{}, 1)
	consumer, err := notify.NewConsumer(connect(srv, key), notify.ConsumerConfig{OnConnect: func() { connected <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		ended <- consumer.Run(t.Context(), func(context.Context, *notify.Delivery) error { return nil })
	}()
	<-connected
	if err := a.DeleteKey(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "key") {
		t.Errorf("Run: %v", err)
	}
}
