package prismtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/shopex/prism-go"
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
	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{Retry: notify.Retry{Sleep: time.Millisecond}})
	if err != nil {
		t.Fatalf("%v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		consumer.Run(ctx, func(_ context.Context, d *notify.Delivery) error {
			fmt.Printf("%s: %s\n", d.Key, d.Body)
			return nil
		})
	}()

	srv.Publish("order.new", "first")
	srv.WaitAcks(1)
	fmt.Println("cut:", srv.Cut())
	srv.Publish("order.new", "second")
	srv.WaitAcks(2)
	stop()
	<-stopped
	fmt.Println("left:", srv.Depth(""))
	// Output:
	// order.new: first
	// cut: 1
	// order.new: second
	// left: 0
}

func ExampleServer_HandleOnce() {
	t := &exampleTest{}
	defer t.end()

	srv := prismtest.NewServer(t)
	srv.HandleOnce("systrade",
		prismtest.Fail(403, "forbidden", "this app may not read trades"),
		prismtest.Answer(map[string]any{"total": 7}))

	client := srv.Client()
	_, err := client.Get(context.Background(), "systrade", nil)
	fmt.Println(errors.Is(err, prism.ErrForbidden))
	res, err := client.Get(context.Background(), "systrade", prism.Params{"page": 1})
	if err != nil {
		t.Fatalf("%v", err)
	}
	var trades struct{ Total int }
	fmt.Println(res.Decode(&trades), trades.Total)

	for _, call := range srv.WaitCalls(2) {
		fmt.Printf("%s %s: %d, page %q\n", call.Method, call.API, call.Status, call.Params.Get("page"))
	}
	// Output:
	// true
	// <nil> 7
	// GET systrade: 403, page ""
	// GET systrade: 200, page "1"
}

func ExampleServer_Advance() {
	t := &exampleTest{}
	defer t.end()

	srv := prismtest.NewServer(t)
	srv.Advance(-24 * time.Hour)
	_, err := srv.Client().Get(context.Background(), "platform/notify/status", nil)
	fmt.Println(err)
	for _, call := range srv.WaitCalls(2) {
		fmt.Println(call.Status, call.Outcome.Code)
	}
	// Output:
	// <nil>
	// 401 sign_time_expired
	// 200
}
