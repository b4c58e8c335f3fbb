package admin_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

// exampleTest stands for the *testing.T of a test, which an example has not.
type exampleTest struct{ cleanups []func() }

func (t *exampleTest) Helper()                           {}
func (t *exampleTest) Cleanup(do func())                 { t.cleanups = append(t.cleanups, do) }
func (t *exampleTest) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
func (t *exampleTest) end() {
	for _, do := range t.cleanups {
		do()
	}
}

func Example() {
	t := &exampleTest{} // your test has it as func TestX(t *testing.T)
	defer t.end()
	srv := prismtest.NewServer(t)
	ctx := context.Background()

	provision := admin.New(srv.Client()) // the first key is an admin key
	app, err := provision.CreateApp(ctx, admin.NewApp{ID: "shop", Name: "The shop", Publish: admin.Matching("order.#")})
	if err != nil {
		t.Fatalf("%v", err)
	}
	key, err := provision.CreateKey(ctx, app.ID, admin.NewKey{Notes: "production"})
	if err != nil {
		t.Fatalf("%v", err)
	}

	shop, err := prism.New(prism.Config{Server: srv.URL(), Key: key.ID, Secret: key.Secret})
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer shop.CloseIdleConnections()
	queues := notify.NewQueueClient(shop)
	fmt.Println(queues.Publish(ctx, "order.new", []byte("paid")))
	err = queues.Publish(ctx, "stock.low", []byte("3 left"))
	fmt.Println(errors.Is(err, prism.ErrForbidden))

	// The accounting gets what the shop publishes.
	_, err = provision.CreateApp(ctx, admin.NewApp{ID: "accounting", Name: "The accounting", Listen: admin.Matching("order.#")})
	if err != nil {
		t.Fatalf("%v", err)
	}
	reader, err := provision.CreateKey(ctx, "accounting", admin.NewKey{Bindings: []string{"order.*"}})
	if err != nil {
		t.Fatalf("%v", err)
	}
	receipt, err := queues.PublishReceipt(ctx, notify.Message{Key: "order.new", Body: []byte("paid")})
	if err != nil {
		t.Fatalf("%v", err)
	}
	peeked, err := notify.NewQueueClient(srv.Client()).Of(reader.ID).Peek(ctx, "", notify.PeekOptions{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, m := range peeked {
		fmt.Println(m.Key, "from", m.App, m.ID == receipt.ID)
	}

	app, err = provision.App(ctx, "shop")
	if err != nil {
		t.Fatalf("%v", err)
	}
	fmt.Println(app.Name, "has", app.Keys, "key and may publish", app.Publish)
	// Output:
	// <nil>
	// true
	// order.new from shop true
	// The shop has 1 key and may publish order.#
}
