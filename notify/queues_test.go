package notify_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

// answering returns the queues of a platform that answers each path as answers says, and
// any other as a platform that does not have it. calls gets the paths.
func answering(t *testing.T, answers map[string]string) (queues *notify.QueueClient, calls *[]string) {
	calls = new([]string)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/platform/notify/")
		*calls = append(*calls, path)
		answer, ok := answers[path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"result":null,"error":{"code":"unknown_api","message":"there is no such API"}}`
		}
		io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	client, err := prism.New(prism.Config{Server: srv.URL, Key: "key", Secret: "secret-of-the-test"})
	if err != nil {
		t.Fatal(err)
	}
	return notify.NewQueueClient(client), calls
}

func bodies(peeked []notify.Peeked) (all []string) {
	for _, m := range peeked {
		all = append(all, string(m.Body))
	}
	return all
}

func TestPeekShowsAQueueAndChangesNothing(t *testing.T) {
	srv := prismtest.NewServer(t)
	queues, ctx := notify.NewQueueClient(srv.Client()), t.Context()
	if err := queues.Bind(ctx, "orders", "order.#"); err != nil {
		t.Fatal(err)
	}
	want := []string{"one", "two", "\xff\x00\"three"}
	for _, body := range want {
		if err := queues.PublishMessage(ctx, notify.Message{Key: "order.new", Body: []byte(body), ContentType: "application/x"}); err != nil {
			t.Fatal(err)
		}
	}
	first, err := queues.Peek(ctx, "orders", notify.PeekOptions{})
	if err != nil || !slices.Equal(bodies(first), want) {
		t.Fatalf("%q, %v, want %q", bodies(first), err, want)
	}
	m := first[0]
	if m.ID == "" || m.Key != "order.new" || m.ContentType != "application/x" || m.ClientID != srv.Key() || m.App != "test" || m.Time.IsZero() || m.Held {
		t.Errorf("peeked %+v", m)
	}
	again, err := queues.Peek(ctx, "orders", notify.PeekOptions{})
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("the second time %+v, %v, want %+v", again, err, first)
	}
	for after, want := range map[int][]string{0: {"two"}, 1: {want[2]}, 2: nil} {
		page, err := queues.Peek(ctx, "orders", notify.PeekOptions{After: first[after].ID, N: 1})
		if err != nil || !slices.Equal(bodies(page), want) {
			t.Errorf("behind %d: %q, %v, want %q", after, bodies(page), err, want)
		}
	}
	read, err := queues.Read(ctx, "orders", 1)
	if err != nil || len(read) != 1 || read[0].ID != m.ID {
		t.Errorf("read %+v, %v, want the ID %s", read, err, m.ID)
	}
	rest, err := queues.Peek(ctx, "orders", notify.PeekOptions{After: m.ID})
	if err != nil || !slices.Equal(bodies(rest), want[1:]) {
		t.Errorf("behind a message that is gone: %q, %v", bodies(rest), err)
	}
}

func TestPeekTellsWhatItDoesNotKnow(t *testing.T) {
	srv := prismtest.NewServer(t)
	queues, ctx := notify.NewQueueClient(srv.Client()), t.Context()
	if _, err := queues.Peek(ctx, "nope", notify.PeekOptions{}); !errors.Is(err, prism.ErrNotFound) || errors.Is(err, notify.ErrUnknownMessage) {
		t.Errorf("an unknown topic: %v", err)
	}
	if _, err := queues.Peek(ctx, "", notify.PeekOptions{After: "ffffffff-1"}); !errors.Is(err, notify.ErrUnknownMessage) || !errors.As(err, new(*prism.Error)) {
		t.Errorf("an unknown ID: %v", err)
	}
}

func TestPeekShowsWhoHoldsAMessage(t *testing.T) {
	srv := prismtest.NewServer(t)
	queues := notify.NewQueueClient(srv.Client())
	srv.Publish("order.new", "x")
	consumer, err := notify.NewConsumer(srv.Client(), notify.ConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for d, err := range consumer.Deliveries(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		peeked, err := queues.Peek(t.Context(), "", notify.PeekOptions{})
		if err != nil || len(peeked) != 1 {
			t.Fatalf("peeked %+v, %v", peeked, err)
		}
		if m := peeked[0]; m.ID != d.ID || !m.Held || !strings.Contains(m.HeldBy, " from ") || m.HeldSince.IsZero() {
			t.Errorf("peeked %+v, delivered with ID %q", m, d.ID)
		}
		break
	}
}

func TestAMessageHasOneIDInAllQueuesAndInItsReceipt(t *testing.T) {
	srv := prismtest.NewServer(t)
	other := srv.NewKey()
	queues, ctx := notify.NewQueueClient(srv.Client()), t.Context()
	receipt, err := queues.PublishReceipt(ctx, notify.Message{Key: "order.new", Body: []byte("x")})
	if err != nil || receipt.ID == "" || receipt.Queues != 2 {
		t.Fatalf("%+v, %v, want an ID and 2 queues", receipt, err)
	}
	for _, q := range []*notify.QueueClient{queues, notify.NewQueueClient(srv.ClientFor(other))} {
		if read, err := q.Read(ctx, "", 2); err != nil || len(read) != 1 || read[0].ID != receipt.ID {
			t.Errorf("read %+v, %v, want the ID %s", read, err, receipt.ID)
		}
	}
	written, err := queues.WriteReceipt(ctx, "failed", notify.Message{Key: "order.new", Body: []byte("x"), ContentType: "a/b"})
	if err != nil || written.ID == "" || written.ID == receipt.ID || written.Queues != 1 {
		t.Errorf("%+v, %v, want another ID and 1 queue", written, err)
	}
	if read, err := queues.Read(ctx, "failed", 1); err != nil || len(read) != 1 || read[0].ID != written.ID || read[0].Key != "order.new" || read[0].ContentType != "a/b" {
		t.Errorf("read %+v, %v", read, err)
	}
	if _, err := queues.WriteReceipt(ctx, "", notify.Message{Key: "order.new"}); err == nil || srv.Depth("") != 0 {
		t.Errorf("a message for the default queue was routed: %v", err)
	}
}

func TestAReceiptOfAnEarlierPlatformSaysNothing(t *testing.T) {
	for answer, want := range map[string]notify.Receipt{
		`{"result":true,"error":null}`:                                  {Queues: -1},
		`{"result":true,"error":null,"id":7,"queues":"many"}`:           {Queues: -1},
		`{"result":true,"error":null,"id":"9b4d1e00-1","queues":0}`:     {ID: "9b4d1e00-1"},
		`{"result":true,"error":null,"id":null,"queues":2,"more":[{}]}`: {Queues: 2},
	} {
		queues, _ := answering(t, map[string]string{"write": answer})
		if got, err := queues.PublishReceipt(t.Context(), notify.Message{Key: "a"}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", answer, got, err, want)
		}
	}
}

func TestOnlyAnAdminRaisesTheLimitsOfAQueue(t *testing.T) {
	srv := prismtest.NewServer(t)
	ctx := t.Context()
	key := srv.NewKey()
	queues := notify.NewQueueClient(srv.ClientFor(key))
	preset, err := queues.Limits(ctx, "")
	if err != nil || preset.MaxMessages == 0 || preset.MaxBytes == 0 || preset.Overflow != notify.OverflowDefault {
		t.Fatalf("the limits of a new queue: %+v, %v", preset, err)
	}
	lower := notify.QueueLimits{MaxMessages: 2, MaxBytes: preset.MaxBytes, Overflow: notify.OverflowDropOldest}
	if got, err := queues.SetLimits(ctx, "", notify.QueueLimits{MaxMessages: 2, Overflow: notify.OverflowDropOldest}); err != nil || got != lower {
		t.Errorf("set %+v, %v, want %+v", got, err, lower)
	}
	for _, l := range []notify.QueueLimits{{MaxMessages: 3}, {MaxMessages: notify.DefaultLimit}, {Overflow: notify.OverflowRefuse}} {
		if got, err := queues.SetLimits(ctx, "", l); !errors.Is(err, prism.ErrForbidden) {
			t.Errorf("the holder set %+v: %+v, %v", l, got, err)
		}
	}
	if got, err := queues.Limits(ctx, ""); err != nil || got != lower {
		t.Errorf("limits %+v, %v, want %+v", got, err, lower)
	}
	for _, body := range []string{"1", "2", "3"} {
		srv.Publish("order.new", body)
	}
	peeked, err := queues.Peek(ctx, "", notify.PeekOptions{})
	if err != nil || !slices.Equal(bodies(peeked), []string{"2", "3"}) {
		t.Errorf("the full queue has %q, %v", bodies(peeked), err)
	}
	if s, err := queues.Status(ctx, ""); err != nil || s.Dropped != 1 || s.Overflow != notify.OverflowDropOldest || s.MessagesLimit != 2 {
		t.Errorf("status %+v, %v", s, err)
	}
	admin := notify.NewQueueClient(srv.Client()).Of(key.ID)
	if got, err := admin.SetLimits(ctx, "", notify.QueueLimits{MaxMessages: notify.DefaultLimit, Overflow: notify.OverflowRefuse}); err != nil ||
		got != (notify.QueueLimits{MaxMessages: preset.MaxMessages, MaxBytes: preset.MaxBytes, Overflow: notify.OverflowRefuse}) {
		t.Errorf("the admin set %+v, %v", got, err)
	}
	if _, err := queues.SetLimits(ctx, "", notify.QueueLimits{MaxBytes: -2}); !errors.As(err, new(*prism.ParamError)) {
		t.Errorf("a negative limit: %v", err)
	}
	if _, err := queues.SetLimits(ctx, "", notify.QueueLimits{Overflow: "burst"}); err == nil || !strings.Contains(err.Error(), "drop-newest") {
		t.Errorf("an unknown overflow: %v", err)
	}
}

func TestAnAdminManagesTheQueuesOfAnotherKey(t *testing.T) {
	srv := prismtest.NewServer(t)
	ctx := t.Context()
	key := srv.NewKey()
	own, theirs := notify.NewQueueClient(srv.Client()), notify.NewQueueClient(srv.ClientFor(key))
	of := own.Of(key.ID)
	if err := errors.Join(of.Create(ctx, "made"), of.Bind(ctx, "made", "stock.*"), of.Write(ctx, "made", []byte("x"))); err != nil {
		t.Fatal(err)
	}
	if topics, err := theirs.Topics(ctx); err != nil || !slices.Equal(topics, []string{"made"}) {
		t.Errorf("topics %q, %v", topics, err)
	}
	if topics, err := own.Topics(ctx); err != nil || len(topics) != 0 {
		t.Errorf("the admin's topics %q, %v", topics, err)
	}
	if bindings, err := of.Bindings(ctx, "made"); err != nil || !slices.Equal(bindings, []notify.Binding{{Pattern: "stock.*"}}) {
		t.Errorf("bindings %+v, %v", bindings, err)
	}
	if s, err := of.Status(ctx, "made"); err != nil || s.Messages != 1 {
		t.Errorf("status %+v, %v", s, err)
	}
	if err := errors.Join(of.Unbind(ctx, "made", "stock.*"), of.Purge(ctx, "made"), of.Drop(ctx, "made")); err != nil {
		t.Error(err)
	}
	if topics, err := theirs.Topics(ctx); err != nil || len(topics) != 0 {
		t.Errorf("topics %q, %v", topics, err)
	}
	if err := of.Publish(ctx, "order.new", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if read, err := of.Read(ctx, "", 1); err != nil || len(read) != 1 || read[0].ClientID != srv.Key() {
		t.Errorf("what the admin published: %+v, %v", read, err)
	}
	if err := theirs.Of(srv.Key()).Purge(ctx, ""); !errors.Is(err, prism.ErrForbidden) {
		t.Errorf("a key that is no admin purged: %v", err)
	}
	if _, err := own.Of("nobody").Status(ctx, ""); !errors.Is(err, prism.ErrNotFound) || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("the queues of nobody: %v", err)
	}
}

// A platform that ignores a parameter that it does not know would purge the caller's
// own queue.
func TestAPlatformThatDoesNotKnowOfIsAskedForNothingElse(t *testing.T) {
	queues, calls := answering(t, map[string]string{"purge": `{"result":true,"error":null}`, "queue/drop": `{"result":true,"error":null}`})
	of := queues.Of("other")
	for _, err := range []error{of.Purge(t.Context(), ""), of.Drop(t.Context(), "orders")} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "does not have this call") {
			t.Errorf("%v", err)
		}
	}
	if slices.Contains(*calls, "purge") || slices.Contains(*calls, "queue/drop") {
		t.Errorf("calls: %q", *calls)
	}
	queues, calls = answering(t, map[string]string{
		"queue/limit": `{"result":{"max_messages":5,"max_bytes":0,"overflow":"default"},"error":null}`, "purge": `{"result":true,"error":null}`,
	})
	of = queues.Of("other")
	if err := errors.Join(of.Purge(t.Context(), ""), of.Purge(t.Context(), "")); err != nil || !slices.Equal(*calls, []string{"queue/limit", "purge", "purge"}) {
		t.Errorf("%v, calls: %q", err, *calls)
	}
}

func TestACallThatThePlatformDoesNotHaveIsUnsupported(t *testing.T) {
	queues, _ := answering(t, map[string]string{
		"routing/test": `{"result":null,"error":{"code":"0040400","message":"no such API"}}`,
		"purge":        `{"result":null,"error":{"code":"unknown_topic","message":"no such topic"}}`,
	})
	ctx := t.Context()
	_, peek := queues.Peek(ctx, "", notify.PeekOptions{})
	_, limits := queues.Limits(ctx, "")
	_, routed := queues.RoutedTo(ctx, "order.new")
	for _, err := range []error{peek, limits, routed} {
		if !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, new(*prism.Error)) {
			t.Errorf("%v", err)
		}
	}
	if err := queues.Purge(ctx, ""); errors.Is(err, errors.ErrUnsupported) || !errors.As(err, new(*prism.Error)) {
		t.Errorf("an unknown topic: %v", err)
	}
}

func TestABindingOfAnEarlierVersionIsMarked(t *testing.T) {
	queues, _ := answering(t, map[string]string{"routing/list": `{"result":[{"routing_key":"#","own":true},{"routing_key":"order.#"}],"error":null}`})
	got, err := queues.Bindings(t.Context(), "")
	if want := []notify.Binding{{Pattern: "#", Own: true}, {Pattern: "order.#"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestRoutedToCountsTheQueuesThatListen(t *testing.T) {
	srv := prismtest.NewServer(t)
	ctx := t.Context()
	queues := notify.NewQueueClient(srv.Client())
	if n, err := queues.RoutedTo(ctx, "order.new"); err != nil || n != 1 {
		t.Errorf("%d, %v, want 1", n, err)
	}
	other := srv.NewKey()
	if err := notify.NewQueueClient(srv.ClientFor(other)).Bind(ctx, "orders", "order.*"); err != nil {
		t.Fatal(err)
	}
	if n, err := queues.RoutedTo(ctx, "order.new"); err != nil || n != 3 { // both default queues have #
		t.Errorf("%d, %v, want 3", n, err)
	}
	if srv.Depth("") != 0 {
		t.Error("a message was published")
	}
	if _, err := queues.RoutedTo(ctx, "@system.started"); !errors.Is(err, prism.ErrForbidden) {
		t.Errorf("a routing key of the platform: %v", err)
	}
}

func TestTheStatusCountsWhatNobodyGot(t *testing.T) {
	srv := prismtest.NewServer(t)
	ctx := t.Context()
	queues := notify.NewQueueClient(srv.Client())
	if err := queues.Publish(ctx, "order.new", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := queues.Unbind(ctx, "", "#"); err != nil {
		t.Fatal(err)
	}
	receipt, err := queues.PublishReceipt(ctx, notify.Message{Key: "order.new"})
	if err != nil || receipt.Queues != 0 {
		t.Errorf("%+v, %v", receipt, err)
	}
	if s, err := queues.Status(ctx, ""); err != nil || s.Published != 2 || s.Unrouted != 1 || s.Messages != 1 {
		t.Errorf("status %+v, %v", s, err)
	}
}

// Each key of the domain gets what any of them publishes, and whatever happens to the
// queue of one, the others get all of it.
func TestOneApplicationsMessagesReachTheOthers(t *testing.T) {
	srv := prismtest.NewServer(t)
	ctx := t.Context()
	erp, full := srv.NewKey(), srv.NewKey()
	if _, err := notify.NewQueueClient(srv.ClientFor(full)).SetLimits(ctx, "", notify.QueueLimits{MaxMessages: 1}); err != nil {
		t.Fatal(err)
	}
	pub, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close(ctx)
	var want []string
	for i := range 10 {
		body := bytes.Repeat([]byte("x"), i+1)
		if want = append(want, string(body)); pub.Publish(ctx, "order.new", body) != nil {
			t.Fatalf("message %d was not stored", i)
		}
	}
	consumer, err := notify.NewConsumer(srv.ClientFor(erp), notify.ConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	ctx, stop := context.WithCancel(ctx)
	_ = consumer.Run(ctx, func(_ context.Context, d *notify.Delivery) error {
		if d.ClientID != srv.Key() {
			t.Errorf("published by %s, want %s", d.ClientID, srv.Key())
		}
		if got = append(got, string(d.Body)); len(got) == len(want) {
			stop()
		}
		return nil
	})
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
