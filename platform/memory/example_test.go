package memory_test

import (
	"context"
	"fmt"
	"math"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func Example() {
	ctx := context.Background()
	queues := memory.New(memory.Config{
		Bindings: []platform.Binding{{Pattern: "order.#", Topic: "orders"}},
	})
	key := platform.NewKey("shop")
	if err := queues.Declare(ctx, key.ID, platform.Owner{Exchange: "domain"}); err != nil {
		fmt.Println(err)
	}

	for _, routingKey := range []string{"order.new", "refund.new", "order.paid"} {
		m := &platform.Message{Key: routingKey, Body: []byte("hello world")}
		if _, err := queues.Publish(ctx, "domain", m); err != nil {
			fmt.Println(err)
		}
	}

	consumer, err := queues.Consume(ctx, key.ID, "orders", "worker")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer consumer.Close()
	leases, err := consumer.Fetch(ctx, 10, math.MaxInt)
	for _, l := range leases {
		fmt.Printf("%s: %s\n", l.Message.Key, l.Message.Body)
		err = consumer.Ack(ctx, l.ID)
	}
	fmt.Println(err)
	// Output:
	// order.new: hello world
	// order.paid: hello world
	// <nil>
}

func ExampleStore() {
	key := platform.Key{ID: "buwb2lii", Secret: "ucr72ygfutspqeuu6s36", App: "shop"}
	store, err := memory.NewStore(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	registry := platform.NewRegistry(store)

	found, err := registry.Key(context.Background(), "buwb2lii")
	fmt.Println(found.App, err)
	_, err = registry.Key(context.Background(), "nobody")
	fmt.Println(err)
	// Output:
	// shop <nil>
	// platform: unknown key
}
