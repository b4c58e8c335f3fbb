package notify_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

func TestAWriteThatWasNotStoredIsNeverNil(t *testing.T) {
	var body string
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }))
	defer stranger.Close()
	client, err := prism.New(prism.Config{Server: stranger.URL, Key: "key", Secret: "secret-of-the-test"})
	if err != nil {
		t.Fatal(err)
	}
	queues := notify.NewQueueClient(client)
	body = `{"result":{"a":1},"error":{"code":"","message":""}}`
	if s, err := queues.Status(t.Context(), "orders"); !errors.As(err, new(*prism.AnswerError)) {
		t.Errorf("an object that is no state is one: %+v, %v", s, err)
	}
	for body = range map[string]bool{
		"<html>back soon": true, "": true, `{"result":false,"error":null}`: true, `{"result":tr`: true, "{}": true,
		`{"rsp":"succ","res":"","data":{},"msg_id":"1"}`: true, `{"jsonrpc":"2.0","result":true,"id":"1"}`: true,
	} {
		for name, call := range map[string]func(context.Context) error{
			"Write":    func(ctx context.Context) error { return queues.Write(ctx, "orders", []byte("x")) },
			"Forward":  func(ctx context.Context) error { return queues.Forward(ctx, "orders", &notify.Delivery{}) },
			"Publish":  func(ctx context.Context) error { return queues.PublishMessage(ctx, notify.Message{Key: "a"}) },
			"Create":   func(ctx context.Context) error { return queues.Create(ctx, "orders") },
			"Drop":     func(ctx context.Context) error { return queues.Drop(ctx, "orders") },
			"Bind":     func(ctx context.Context) error { return queues.Bind(ctx, "orders", "#") },
			"Unbind":   func(ctx context.Context) error { return queues.Unbind(ctx, "orders", "#") },
			"Bindings": func(ctx context.Context) error { _, err := queues.Bindings(ctx, "orders"); return err },
			"Peek": func(ctx context.Context) error {
				_, err := queues.Peek(ctx, "orders", notify.PeekOptions{})
				return err
			},
			"Limits":   func(ctx context.Context) error { _, err := queues.Limits(ctx, "orders"); return err },
			"RoutedTo": func(ctx context.Context) error { _, err := queues.RoutedTo(ctx, "a"); return err },
			"Of":       func(ctx context.Context) error { return queues.Of("other").Purge(ctx, "orders") },
			"Purge":    func(ctx context.Context) error { return queues.Purge(ctx, "orders") },
			"Status":   func(ctx context.Context) error { _, err := queues.Status(ctx, "orders"); return err },
			"Topics":   func(ctx context.Context) error { _, err := queues.Topics(ctx); return err },
			"Read":     func(ctx context.Context) error { _, err := queues.Read(ctx, "orders", 1); return err },
		} {
			var wrong *prism.AnswerError
			if err := call(t.Context()); !errors.As(err, &wrong) {
				t.Errorf("%s, answered by %q: %v", name, body, err)
			}
		}
	}
}

func TestQueuesOfAClientThatIsNilSayItAtTheFirstCall(t *testing.T) {
	if _, err := notify.NewQueueClient(nil).Topics(t.Context()); err == nil || !strings.Contains(err.Error(), "the client is nil: make one with prism.New") {
		t.Errorf("got %v", err)
	}
}
