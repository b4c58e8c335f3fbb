package prismtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/oauth"
	"github.com/shopex/prism-go/platform"
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
	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{Reconnect: notify.Reconnect{Delay: time.Millisecond}})
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

func ExampleServer_SignIn() {
	t := &exampleTest{}
	defer t.end()

	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "u1", Login: "lin"}, "open sesame")

	// The application: its page is for people who are signed in.
	var shop http.Handler
	site := srv.Site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { shop.ServeHTTP(w, r) }))
	srv.AllowRedirect(site + "/callback")
	login, err := oauth.New(srv.Client(), oauth.Config{CallbackURL: site + "/callback", Now: srv.Now})
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer login.Close()
	shop = login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "the orders of %s", oauth.User(r.Context()).Login)
	}))

	browser := srv.Browser()
	resp := srv.SignIn(browser, site+"/orders", "lin", "open sesame")
	page, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Request.URL.Path, string(page))

	srv.SignOut(browser)         // in another application
	srv.Advance(2 * time.Minute) // by then this one has asked the platform
	resp, err = browser.Get(site + "/orders")
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Request.URL.Path)
	// Output:
	// /orders the orders of lin
	// /oauth/authorize
}

func ExampleServer_AccessToken() {
	t := &exampleTest{}
	defer t.end()

	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "u1", Login: "lin"}, "open sesame")
	client := srv.Client().WithToken(srv.AccessToken("lin"))
	if _, err := client.Get(context.Background(), "platform/oauth/user", nil); err != nil {
		t.Fatalf("%v", err)
	}
	for _, call := range srv.Calls("platform/oauth/user") {
		fmt.Println(call.API, "called by", call.UserID)
	}
	// Output:
	// platform/oauth/user called by u1
}
