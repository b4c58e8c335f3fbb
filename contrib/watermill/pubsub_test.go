package prismwatermill

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
)

func FuzzMessagesComeBackAsTheyWere(f *testing.F) {
	f.Add("7", "name", "value", []byte("hello"))
	f.Add("", "", "", []byte(nil))
	f.Add("1", "x", "\u2028<>&", []byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, uuid, name, value string, payload []byte) {
		m := message.NewMessage(string([]rune(uuid)), payload)
		m.Metadata.Set(string([]rune(name)), string([]rune(value))) // JSON has no other bytes
		out, err := JSONMarshaler{}.Marshal("order.new", m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := JSONMarshaler{}.Unmarshal(&notify.Delivery{Key: out.Key, ContentType: out.ContentType, Body: out.Body})
		if err != nil || got.UUID != m.UUID || !bytes.Equal(got.Payload, m.Payload) || len(got.Metadata) != 1 || got.Metadata.Get(string([]rune(name))) != string([]rune(value)) {
			t.Errorf("%+v came back as %+v, %v", m, got, err)
		}
	})
}

func FuzzAnyDeliveryIsAMessageOrAnError(f *testing.F) {
	f.Add(jsonType, []byte(`{"uuid":"7","payload":"aGVsbG8="}`))
	f.Add(jsonType, []byte(`null`))
	f.Add("text/plain", []byte("hello"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		m, err := JSONMarshaler{}.Unmarshal(&notify.Delivery{ID: "1", ContentType: contentType, Body: body})
		if (m == nil) == (err == nil) || m != nil && m.Metadata == nil {
			t.Errorf("%q of %q: %+v, %v", body, contentType, m, err)
		}
		if contentType != jsonType && (err != nil || !bytes.Equal(m.Payload, body) || m.UUID != "1") {
			t.Errorf("%q of %q: %+v, %v", body, contentType, m, err)
		}
	})
}

// What others publish has no metadata of Watermill, and what the platform says instead.
func TestAMessageOfAnotherPublisherIsReceived(t *testing.T) {
	srv := newServer(t)
	_, sub := pubSub(t, srv, "")
	messages, err := sub.Subscribe(t.Context(), "order.#")
	if err != nil {
		t.Fatal(err)
	}
	srv.Publish("order.new", "hello")
	m := <-messages
	if string(m.Payload) != "hello" || m.Metadata.Get(MetadataKey) != "order.new" || m.UUID != srv.Deliveries()[0].Message.ID.String() {
		t.Errorf("received %s: %q, %v", m.UUID, m.Payload, m.Metadata)
	}
	m.Ack()
	srv.WaitAcks(1)
}

func TestPlainMarshalerPublishesThePayloadAlone(t *testing.T) {
	srv := newServer(t)
	pub, err := NewPublisher(srv.Client(), PublisherConfig{Marshaler: PlainMarshaler{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	if err := pub.Publish("order.new", message.NewMessage(watermill.NewUUID(), []byte(`{"id":7}`))); err != nil {
		t.Fatal(err)
	}
	if m := srv.Published()[0].Message; string(m.Body) != `{"id":7}` || m.ContentType != "application/json" || m.Key != "order.new" {
		t.Errorf("published %+v", m)
	}
}

// A message that nobody can read is given up, and OnGiveUp has it.
func TestAMessageThatIsBrokenIsGivenUp(t *testing.T) {
	srv := newServer(t)
	given := make(chan error, 1)
	sub, err := NewSubscriber(srv.Client(), SubscriberConfig{Consumer: notify.ConsumerConfig{OnGiveUp: func(_ *notify.Delivery, err error) error {
		given <- err
		return nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	if _, err := sub.Subscribe(t.Context(), "order.new"); err != nil {
		t.Fatal(err)
	}
	pub, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close(context.Background())
	if err := pub.PublishMessage(t.Context(), notify.Message{Key: "order.new", ContentType: jsonType, Body: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	if err := <-given; !errors.As(err, new(*notify.PermanentError)) {
		t.Errorf("given up because of %v", err)
	}
	srv.WaitAcks(1)
}

func TestAClosedSubscriberSubscribesToNothing(t *testing.T) {
	_, sub := pubSub(t, newServer(t), "")
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Subscribe(t.Context(), "order.new"); !errors.Is(err, ErrClosed) {
		t.Errorf("Subscribe after Close: %v", err)
	}
}

// A platform that does not answer Subscribe does not hold up Close, which ends the call.
func TestCloseEndsASubscribeThatWaitsForThePlatform(t *testing.T) {
	asked := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer srv.Close()
	client, err := prism.New(prism.Config{Server: srv.URL, Key: "key", Secret: "secret-of-the-key"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	sub, err := NewSubscriber(client, SubscriberConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(20*time.Second))
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := sub.Subscribe(ctx, "order.new")
		ended <- err
	}()
	<-asked
	if err := sub.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("Subscribe: %v", err)
	}
}

// Publish waits no longer than the message allows, and says that it knows nothing.
func TestPublishEndsWithTheContextOfItsMessage(t *testing.T) {
	srv := newServer(t)
	srv.Refuse(true)
	pub, _ := pubSub(t, srv, "")
	ctx, cancel := context.WithCancel(t.Context())
	m := message.NewMessage("1", nil)
	m.SetContext(ctx)
	go cancel()
	if err := pub.Publish("order.new", m); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish: %v", err)
	}
	srv.Refuse(false)
}
