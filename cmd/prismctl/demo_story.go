package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
)

// A demo is the story of one platform and its clients.
type demo struct {
	t         *tool
	began     time.Time
	said      []string // within the step
	unwritten error

	storage  *storage
	engine   *engine
	registry *platform.Registry
	cutter   *cutter
	host     *host
	key      platform.Key
	client   *prism.Client
	acked    chan struct{} // tells that the platform has seen an ack since it was last asked
	password string        // of the user, whose name is that of the app
}

// start serves a platform whose backend has one API of a shop.
func (d *demo) start(ctx context.Context) (err error) {
	d.engine, err = d.storage.open(ctx, 0, queueBounds{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := d.provision(ctx); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	d.cutter = newCutter(l)
	d.acked = make(chan struct{}, 1)
	d.host, err = serveOn(d.cutter, platform.Config{
		Store: d.engine.store, Users: d.registry, Queues: d.engine.queues, Logger: slog.New(slog.DiscardHandler),
		Explain: true, Backend: http.HandlerFunc(shop), Trace: &platform.Trace{Ack: d.sawAck},
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.client, err = prism.New(prism.Config{Server: d.host.url, Key: d.key.ID, Secret: d.key.Secret})
	d.say("listening", "on %s, with the key %s", d.host.url, d.key.ID)
	return err
}

// provision makes an app with a key, and a user. Their names are like no other:
// others may live in the same place.
func (d *demo) provision(ctx context.Context) error {
	d.registry = platform.NewRegistry(d.engine.store)
	d.key = platform.NewKey("")
	d.key.App = "demo-" + d.key.ID
	d.password = platform.NewKey("").Secret
	hash, err := platform.HashPassword(d.password, 1) // what is that random needs no slow hash
	if err != nil {
		return err
	}
	return cmp.Or(
		d.registry.SaveApp(ctx, platform.App{ID: d.key.App, Redirects: localRedirects()}),
		d.registry.SaveKey(ctx, d.key),
		d.registry.SaveUser(ctx, platform.User{ID: d.key.App, Login: d.key.App}, hash))
}

// shop is the backend of an API provider.
func shop(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	user, _ := url.ParseQuery(r.Header.Get("X-Api-Oauth"))
	fmt.Fprintf(w, `{"result":{"order":%q,"state":"paid","customer":%q},"error":null}`, r.FormValue("id"), user.Get("login"))
}

func (d *demo) sawAck(platform.AckEvent) {
	select {
	case d.acked <- struct{}{}:
	default:
	}
}

func (d *demo) call(ctx context.Context) error {
	res, err := d.client.Get(ctx, "shop/order", prism.Params{"id": "1001"})
	if err != nil {
		return err
	}
	var order struct{ Order, State string }
	if err := res.Decode(&order); err != nil {
		return err
	}
	d.say("called", "GET shop/order id=1001: HTTP %d, order %s is %s (request %s)", res.Status, order.Order, order.State, res.RequestID)
	if order.Order != "1001" || order.State != "paid" {
		return fmt.Errorf("the API answered %s", res.Body)
	}
	status, err := notify.NewQueues(d.client).Status(ctx, "")
	if err != nil {
		return err
	}
	d.say("called", "GET platform/notify/status: %s in the queue", counted(status.Messages, "message", "messages"))
	return check(status.Messages == 0, "the queue of a new key is not empty")
}

func (d *demo) message(ctx context.Context) error {
	if err := d.publish(ctx, "order.new", "hello world"); err != nil {
		return err
	}
	arrived := make(chan *notify.Delivery, 1)
	stop, err := d.consume(ctx, notify.ConsumerConfig{}, func(_ context.Context, delivery *notify.Delivery) error {
		arrived <- delivery
		return nil
	})
	if err != nil {
		return err
	}
	got, err := await(ctx, arrived, "the delivery")
	if err == nil {
		d.say("consumed", "%s: %s (tag %d)", got.Key, got.Body, got.Tag)
		err = errors.Join(check(string(got.Body) == "hello world", "the body has changed"), d.drained(ctx))
	}
	return errors.Join(err, stop())
}

func (d *demo) failing(ctx context.Context) error {
	if err := d.publish(ctx, "order.paid", "order 1001"); err != nil {
		return err
	}
	attempts := make(chan int, 10)
	attempt := 0
	stop, err := d.consume(ctx, notify.ConsumerConfig{}, func(context.Context, *notify.Delivery) error {
		attempt++ // one worker, so one at a time
		attempts <- attempt
		if attempt == 1 {
			return errors.New("the database is busy")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err = await(ctx, attempts, "the first attempt"); err == nil {
		d.say("consumed", "order.paid: the handler failed (the database is busy), so nothing is acknowledged yet")
		_, err = await(ctx, attempts, "the second attempt")
	}
	if err == nil {
		d.say("tried again", "order.paid: the handler succeeded")
		err = d.drained(ctx)
	}
	return errors.Join(err, stop())
}

func (d *demo) refusal(ctx context.Context) error {
	wrong, err := prism.New(prism.Config{Server: d.host.url, Key: d.key.ID, Secret: "not-the-secret"})
	if err != nil {
		return err
	}
	defer wrong.CloseIdleConnections()
	_, err = wrong.Get(ctx, "shop/order", prism.Params{"id": "1001"})
	var failure *prism.Error
	if !errors.As(err, &failure) || !errors.Is(err, prism.ErrUnauthorized) || failure.Code != "invalid_sign" {
		return fmt.Errorf("the platform did not refuse the signature: %v", err)
	}
	_, signed, _ := strings.Cut(failure.Message, "the platform signed: ")
	d.say("called", "GET shop/order id=1001, signed with another secret")
	d.say("refused", "HTTP %d %s", failure.Status, failure.Code)
	d.say("explained", "the platform signed %s", signed)
	return errors.Join(check(signed != "", "the refusal does not explain itself"),
		check(!strings.Contains(err.Error(), d.key.Secret), "the refusal shows the secret"))
}

// ending stops a consumer whose handler is at work, and then the platform.
func (d *demo) ending(ctx context.Context) error {
	if err := d.publish(ctx, "order.sent", "order 1001"); err != nil {
		return err
	}
	atWork, finish := make(chan bool, 10), make(chan struct{})
	stop, err := d.consume(ctx, notify.ConsumerConfig{}, func(context.Context, *notify.Delivery) error {
		atWork <- true
		<-finish
		return nil
	})
	if err != nil {
		return err
	}
	_, err = await(ctx, atWork, "the handler")
	time.AfterFunc(50*time.Millisecond, func() { close(finish) })
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	d.say("stopped", "the consumer, while its handler was at work: the handler could finish")
	if err := d.drained(ctx); err != nil {
		return err
	}
	if err := d.leave(); err != nil {
		return err
	}
	d.say("stopped", "the platform")
	return nil
}

// leave stops the platform and removes what provision made, once.
func (d *demo) leave() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if d.client != nil {
		d.client.CloseIdleConnections()
	}
	if h := d.host; h != nil {
		d.host = nil
		err = h.stop(ctx)
	}
	if e := d.engine; e != nil {
		d.engine = nil
		err = errors.Join(err, d.registry.DeleteUser(ctx, d.key.App), d.registry.DeleteApp(ctx, d.key.App),
			e.queues.Forget(ctx, d.key.ID), e.close())
	}
	return err
}

// publish publishes one message and says so.
func (d *demo) publish(ctx context.Context, key, body string) error {
	publisher, err := notify.NewPublisher(d.client, notify.PublisherConfig{})
	if err != nil {
		return err
	}
	if err := errors.Join(publisher.Publish(ctx, key, []byte(body)), publisher.Close(ctx)); err != nil {
		return fmt.Errorf("publishing %s: %w", key, err)
	}
	d.say("published", "%s: %s (confirmed)", key, body)
	return nil
}

// consume runs a consumer until stop is called, which returns what it ended
// with, if not with that.
func (d *demo) consume(ctx context.Context, cfg notify.ConsumerConfig, handle notify.Handler) (stop func() error, err error) {
	consumer, err := notify.NewConsumer(d.client, cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- consumer.Run(ctx, handle) }()
	return sync.OnceValue(func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the consumer ended: %w", err)
		}
		return nil
	}), nil
}

// drained waits until acknowledgements have emptied the queue.
func (d *demo) drained(ctx context.Context) error {
	queues := notify.NewQueues(d.client)
	for {
		status, err := queues.Status(ctx, "")
		if err != nil {
			return err
		}
		if status.Messages == 0 {
			d.say("acknowledged", "the queue is empty")
			return nil
		}
		if _, err := await(ctx, d.acked, "an acknowledgement"); err != nil {
			return fmt.Errorf("%w; the queue still holds %s", err, counted(status.Messages, "message", "messages"))
		}
	}
}

// await waits for something to happen.
func await[T any](ctx context.Context, event <-chan T, name string) (T, error) {
	select {
	case v := <-event:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("waiting for %s: %w", name, ctx.Err())
	}
}

func check(ok bool, otherwise string) error {
	if ok {
		return nil
	}
	return errors.New(otherwise)
}
