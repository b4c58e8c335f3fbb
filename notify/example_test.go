package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"sync"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

// ctx stands for the context of the caller.
var ctx = context.Background()

// example is what a test gives to prismtest.NewServer by its *testing.T.
type example struct{ cleanups []func() }

func (e *example) Helper()                   {}
func (e *example) Cleanup(f func())          { e.cleanups = append(e.cleanups, f) }
func (e *example) Fatalf(f string, a ...any) { log.Fatalf(f, a...) }
func (e *example) close() {
	for _, f := range e.cleanups {
		f()
	}
}

func ExampleConsumer_Run() {
	t := new(example)
	defer t.close()
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "first")
	srv.Publish("order.paid", "second")

	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	err = consumer.Run(ctx, func(ctx context.Context, d *notify.Delivery) error {
		fmt.Println(d.Key, string(d.Body))
		if d.Tag == 2 {
			cancel() // this handler still finishes, and its delivery is acknowledged
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// order.new first
	// order.paid second
	// context canceled
}

// A message that nobody can handle is parked: the others go on, and it is put back when
// the cause is repaired.
func ExamplePark() {
	t := new(example)
	defer t.close()
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "no JSON")
	srv.Publish("order.new", `{"number":7}`)

	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{OnGiveUp: notify.Park})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	_ = consumer.Run(ctx, func(ctx context.Context, d *notify.Delivery) error {
		var order struct{ Number int }
		if err := json.Unmarshal(d.Body, &order); err != nil {
			return notify.Permanent(err) // another attempt cannot cure it
		}
		fmt.Println("order", order.Number)
		cancel()
		return nil
	})

	queues := notify.NewQueueClient(srv.Client())
	parked, err := queues.Parked(context.Background(), "", notify.ParkedOptions{RoutingKey: "order.#"})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range parked {
		fmt.Printf("%s %q: %s\n", m.Key, m.Body, m.Reason)
	}
	n, err := queues.Unpark(context.Background(), "", parked[0].ID)
	fmt.Println(n, "put back", err)
	// Output:
	// order 7
	// order.new "no JSON": invalid character 'o' in literal null (expecting 'u')
	// 1 put back <nil>
}

func ExampleConsumer_Deliveries() {
	t := new(example)
	defer t.close()
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "hello")

	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{})
	if err != nil {
		log.Fatal(err)
	}
	for d, err := range consumer.Deliveries(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(d.Body), d.Ack(ctx))
		break
	}
	// Output: hello <nil>
}

func ExamplePublisher_Publish() {
	t := new(example)
	defer t.close()
	srv := prismtest.NewServer(t)

	pub, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer pub.Close(ctx)
	// Those who publish at the same time share frames and confirmations.
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if err := pub.Publish(ctx, "order.new", fmt.Append(nil, "order ", i)); err != nil {
				log.Print(err)
			}
		})
	}
	all.Wait()
	fmt.Println(pub.Stats().Confirmed, "confirmed")
	// Output: 10 confirmed
}

func ExampleQueueClient() {
	t := new(example)
	defer t.close()
	srv := prismtest.NewServer(t)

	queues := notify.NewQueueClient(srv.Client())
	if err := queues.Bind(ctx, "orders", "order.#"); err != nil {
		log.Fatal(err)
	}
	srv.Publish("order.new", "hello")
	status, err := queues.Status(ctx, "orders")
	fmt.Println(status.Messages, err)
	read, err := queues.Read(ctx, "orders", 10)
	fmt.Println(len(read), string(read[0].Body), err)
	// Output:
	// 1 <nil>
	// 1 hello <nil>
}

func ExampleQueueClient_Peek() {
	t := new(example)
	defer t.close()
	srv := prismtest.NewServer(t)

	// The ERP listens to the orders of the shop.
	erp := notify.NewQueueClient(srv.ClientFor(srv.NewKey()))
	if err := erp.Bind(ctx, "orders", "order.#"); err != nil {
		log.Fatal(err)
	}
	shop := notify.NewQueueClient(srv.Client())
	for _, key := range []string{"order.new", "order.paid", "order.sent"} {
		if err := shop.Publish(ctx, key, []byte("order 1001")); err != nil {
			log.Fatal(err)
		}
	}

	page, err := erp.Peek(ctx, "orders", notify.PeekOptions{N: 2})
	for len(page) > 0 && err == nil {
		for _, m := range page {
			fmt.Println(m.Key, string(m.Body))
		}
		page, err = erp.Peek(ctx, "orders", notify.PeekOptions{N: 2, After: page[len(page)-1].ID})
	}
	fmt.Println(err)
	// Output:
	// order.new order 1001
	// order.paid order 1001
	// order.sent order 1001
	// <nil>
}
