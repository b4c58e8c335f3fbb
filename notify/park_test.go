package notify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

// parking returns the queues of a platform that answers every call with answer, and the
// parameters of the calls.
func parking(t *testing.T, answer string) (queues *notify.QueueClient, calls *[]url.Values) {
	calls = new([]url.Values)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"sign", "sign_time", "sign_method", "client_id"} {
			r.Form.Del(name)
		}
		r.Form.Set("call", r.Method+" "+strings.TrimPrefix(r.URL.Path, "/platform/notify/"))
		*calls = append(*calls, r.Form)
		io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	client, err := prism.New(prism.Config{Server: srv.URL, Key: "key", Secret: "secret-of-the-test"})
	if err != nil {
		t.Fatal(err)
	}
	return notify.NewQueueClient(client), calls
}

func TestParkedMessagesAreAskedForByWhatIsSet(t *testing.T) {
	queues, calls := parking(t, `{"result":[],"error":null}`)
	for _, c := range []struct {
		topic string
		o     notify.ParkedOptions
		want  url.Values
	}{
		{"", notify.ParkedOptions{}, url.Values{}},
		{"orders", notify.ParkedOptions{After: "9b4d1e00-1", N: 50, RoutingKey: "order.#", Older: 1500 * time.Millisecond, Reason: "库存 & paper"},
			url.Values{"topic": {"orders"}, "after": {"9b4d1e00-1"}, "num": {"50"}, "routing_key": {"order.#"}, "older": {"2"}, "reason": {"库存 & paper"}}},
	} {
		*calls = nil
		found, err := queues.Parked(t.Context(), c.topic, c.o)
		c.want.Set("call", "GET queue/parked")
		if err != nil || len(found) != 0 || len(*calls) != 1 || !reflect.DeepEqual((*calls)[0], c.want) {
			t.Errorf("%+v: %v, %v, %v", c.o, found, err, *calls)
		}
	}
	var bad *prism.ParamError
	if _, err := queues.Parked(t.Context(), "", notify.ParkedOptions{Older: -1}); !errors.As(err, &bad) {
		t.Errorf("a negative age: %v", err)
	}
}

func TestAParkedMessageHasAllThatItHadAndWhy(t *testing.T) {
	queues, _ := parking(t, `{"result":[{"id":"9b4d1e00-1","time":1400568648,"key":"order.new","type":"text/x","app":"shop","client_id":"c","body":"","body_base64":"/wA=",`+
		`"state":"parked","attempts":5,"reason":"no stock","parked_by":"r1 from [::1]:5","parked_since":1400568700}],"error":null}`)
	found, err := queues.Parked(t.Context(), "orders", notify.ParkedOptions{})
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	m := found[0]
	if m.ID != "9b4d1e00-1" || m.Key != "order.new" || m.ContentType != "text/x" || m.App != "shop" || m.ClientID != "c" || string(m.Body) != "\xff\x00" || m.Time.Unix() != 1400568648 {
		t.Errorf("%+v", m.Delivery)
	}
	if m.Attempts != 5 || m.Reason != "no stock" || m.By != "r1 from [::1]:5" || m.Since.Unix() != 1400568700 {
		t.Errorf("%+v", m)
	}
}

func TestAThousandMessagesAreNamedInOneCall(t *testing.T) {
	queues, calls := parking(t, `{"result":{"messages":700},"error":null}`)
	ids := make([]string, 2001)
	for i := range ids {
		ids[i] = fmt.Sprintf("9b4d1e00-%x", i)
	}
	for call, do := range map[string]func() (int, error){
		"POST queue/park":    func() (int, error) { return queues.Park(t.Context(), "orders", strings.Repeat("x", 2000), ids...) },
		"POST queue/unpark":  func() (int, error) { return queues.Unpark(t.Context(), "orders", ids...) },
		"POST queue/discard": func() (int, error) { return queues.Discard(t.Context(), "orders", ids...) },
	} {
		*calls = nil
		n, err := do()
		if err != nil || n != 2100 || len(*calls) != 3 {
			t.Fatalf("%s: %d, %v, %d calls", call, n, err, len(*calls))
		}
		var named []string
		for _, c := range *calls {
			if c.Get("call") != call || c.Get("topic") != "orders" || c.Has("reason") != (call == "POST queue/park") || len(c.Get("reason")) > 1024 {
				t.Errorf("%s: %q", call, c)
			}
			named = append(named, strings.Split(c.Get("id"), ",")...)
		}
		if !reflect.DeepEqual(named, ids) {
			t.Errorf("%s named %d messages", call, len(named))
		}
	}
}

// An empty variable of a program must not mean more messages than it names.
func TestWhatIsNoIDIsNotSent(t *testing.T) {
	queues, calls := parking(t, `{"result":{"messages":0},"error":null}`)
	var bad *prism.ParamError
	for _, id := range []string{"", "9b4d1e00-1,9b4d1e00-2"} {
		if _, err := queues.Discard(t.Context(), "", "9b4d1e00-1", id); !errors.As(err, &bad) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if n, err := queues.Discard(t.Context(), ""); n != 0 || err != nil {
		t.Errorf("of none: %d, %v", n, err)
	}
	if len(*calls) != 0 {
		t.Errorf("%v", *calls)
	}
}

func TestAnAnswerWithoutACountIsNoSuccess(t *testing.T) {
	queues, _ := parking(t, `{"result":true,"error":null}`)
	if n, err := queues.Unpark(t.Context(), "", "9b4d1e00-1"); err == nil {
		t.Errorf("%d", n)
	}
}

func TestAPlatformThatCannotParkIsRecognised(t *testing.T) {
	queues, _ := answering(t, map[string]string{
		"queue/limit": `{"result":{"max_messages":10,"max_bytes":10,"overflow":"default"},"error":null}`,
		"status":      `{"result":{"Messages":1},"error":null}`,
	})
	ctx := t.Context()
	_, parked := queues.Parked(ctx, "", notify.ParkedOptions{})
	_, park := queues.Park(ctx, "", "", "9b4d1e00-1")
	_, unpark := queues.Unpark(ctx, "", "9b4d1e00-1")
	_, discard := queues.Discard(ctx, "", "9b4d1e00-1")
	_, limit := queues.SetLimits(ctx, "", notify.QueueLimits{MaxAttempts: 5})
	for i, err := range []error{parked, park, unpark, discard, limit} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	if l, err := queues.Limits(ctx, ""); err != nil || l.MaxMessages != 10 {
		t.Errorf("%+v, %v", l, err)
	}
	if s, err := queues.Status(ctx, ""); err != nil || s.Parked != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestTheNumberOfAttemptsIsALimit(t *testing.T) {
	queues, calls := parking(t, `{"result":{"max_messages":10,"max_bytes":10,"overflow":"default","max_attempts":5},"error":null}`)
	for set, want := range map[int]string{5: "5", notify.DefaultLimit: "0", 0: ""} {
		*calls = nil
		l, err := queues.SetLimits(t.Context(), "", notify.QueueLimits{MaxAttempts: set})
		if err != nil || l.MaxAttempts != 5 || (*calls)[0].Get("max_attempts") != want {
			t.Errorf("%d: %+v, %v, %q", set, l, err, *calls)
		}
	}
	if _, err := queues.SetLimits(t.Context(), "", notify.QueueLimits{MaxAttempts: -2}); err == nil {
		t.Error("-2 attempts")
	}
}

func TestOnlyADeliveryOfAConsumerIsParkedByItself(t *testing.T) {
	if err := notify.Park(&notify.Delivery{ID: "9b4d1e00-1"}, errors.New("no stock")); err == nil || !strings.Contains(err.Error(), "QueueClient.Park") {
		t.Errorf("%v", err)
	}
}

// A platform of before does not know the call.
func TestAMessageThatThePlatformCannotParkStays(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("platform/notify/queue/park", prismtest.Fail(404, "unknown_api", "there is no such API"))
	srv.Publish("order.new", "hello")
	refused := make(chan error, 100)
	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{Attempts: 1, OnGiveUp: func(d *notify.Delivery, err error) error {
		err = notify.Park(d, err)
		refused <- err
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() {
		end <- consumer.Run(ctx, func(context.Context, *notify.Delivery) error { return errors.New("no stock") })
	}()
	if err := <-refused; !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "put it aside by QueueClient.Forward, or update the platform") {
		t.Errorf("%v", err)
	}
	fails := srv.WaitFails(1)
	cancel()
	<-end
	if fails[0].Reason != "no stock" || srv.Depth("") != 1 || len(srv.Parked("")) != 0 {
		t.Errorf("%+v, %d messages", fails, srv.Depth(""))
	}
}
