package prismtest_test

import (
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

func TestWaitingTooLongFailsWithWhatWasSeen(t *testing.T) {
	for _, row := range []struct {
		name string
		wait func(*prismtest.Server)
		say  []string
	}{
		{"calls", func(s *prismtest.Server) { s.WaitCalls(3, "unknown") },
			[]string{"3 calls; there are 1:", "GET /api/unknown: HTTP 404 unknown_api", "POST /api/platform/notify/write: HTTP 200"}},
		{"published", func(s *prismtest.Server) { s.WaitPublished(2) },
			[]string{"2 published messages; there are 1:", `"order.new", 5 bytes`}},
		{"rejected", func(s *prismtest.Server) { s.WaitRejected(1) },
			[]string{"1 rejected messages; there are 0:"}},
		{"deliveries", func(s *prismtest.Server) { s.WaitDeliveries(2) },
			[]string{"2 deliveries; there are 1:", `tag 1: "order.new", 5 bytes`, "over the connections:", "live"}},
		{"acks", func(s *prismtest.Server) { s.WaitAcks(2) },
			[]string{"2 acknowledged deliveries; there are 1:", "tag 1"}},
		{"fails", func(s *prismtest.Server) { s.WaitFails(1) },
			[]string{"1 failed attempts; there are 0:"}},
		{"parked", func(s *prismtest.Server) { s.WaitParked(1) },
			[]string{"1 parked messages; there are 0:"}},
		{"connected", func(s *prismtest.Server) { s.WaitConnected(2) },
			[]string{"2 connections; there are 1:", "connection 1 of key"}},
		{"connections", func(s *prismtest.Server) { s.WaitConnections(0) },
			[]string{"0 live connections; there are 1:", "connection 1 of key"}},
		{"until", func(s *prismtest.Server) { s.WaitUntil("a wonder", func() bool { return false }) },
			[]string{"for a wonder", "GET /api/unknown: HTTP 404", "connection 1 of key"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := &fake{}
			srv := prismtest.NewServerConfig(f, prismtest.Config{Patience: 30 * time.Millisecond})
			stop := consume(t, srv, notify.ConsumerConfig{}, accept)
			defer func() { f.end(); stop() }()
			patient := func(done func() bool) { // the server itself shall not be patient here
				for !done() {
					if len(f.failures) > 0 {
						f.failures = nil
					}
					srv.WaitUntil("the beginning", done)
				}
				f.failures = nil
			}
			client := srv.Client()
			client.Get(t.Context(), "unknown", nil)
			client.Post(t.Context(), "platform/notify/write", prism.Params{"data": "hello", "routing_key": "order.new"})
			patient(func() bool { return len(srv.Acks()) == 1 && len(srv.Calls()) == 3 })
			row.wait(srv)
			mustContain(t, f.failure(t), append(row.say, "prismtest: waited 30ms for")...)
		})
	}
}

func TestWaitingEndsAtOnceWhenAllIsThere(t *testing.T) {
	f := &fake{}
	srv := prismtest.NewServerConfig(f, prismtest.Config{Patience: time.Nanosecond})
	defer f.end()
	srv.WaitCalls(0)
	srv.WaitAcks(0)
	srv.WaitConnections(0)
	srv.WaitUntil("nothing", func() bool { return true })
	if len(f.failures) > 0 {
		t.Errorf("failed: %q", f.failures)
	}
}

func TestLongListsAreCut(t *testing.T) {
	f := &fake{}
	srv := prismtest.NewServerConfig(f, prismtest.Config{Patience: time.Millisecond})
	defer f.end()
	client := srv.Client()
	for range 15 {
		client.Get(t.Context(), "unknown", nil)
	}
	srv.WaitCalls(100)
	mustContain(t, f.failure(t), "(5 more)")
}

func TestRejectedMessagesAreSeen(t *testing.T) {
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: oneMessage})
	srv.Publish("a", "fills the queue")
	cfg := srv.ClientConfig()
	cfg.Retry.Tries = 1
	client, err := prism.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Post(t.Context(), "platform/notify/write", prism.Params{"data": "x", "routing_key": "b"}); err == nil {
		t.Fatal("there was room")
	}
	r := srv.WaitRejected(1)
	if r[0].Message.Key != "b" || r[0].Err == nil {
		t.Errorf("refused: %+v", r[0])
	}
	if n := len(srv.Published()); n != 0 {
		t.Errorf("%d messages count as stored", n)
	}
}

func TestMessagesOfTheTestThatDoNotFitFailIt(t *testing.T) {
	f := &fake{}
	srv := prismtest.NewServerConfig(f, prismtest.Config{Memory: oneMessage, Patience: time.Millisecond})
	defer f.end()
	srv.Publish("a", "fills the queue")
	srv.Publish("b", "too much")
	mustContain(t, f.failure(t), "publishing b", "queue is full")
	f.failures = nil
	srv.Write("", "too much")
	mustContain(t, f.failure(t), `the topic ""`, "queue is full")
}

func TestStrayAcksAreSeen(t *testing.T) {
	srv := prismtest.NewServer(t)
	handshake := socket.NewHandshake()
	resp, err := srv.Client().Upgrade(t.Context(), "platform/notify", handshake.Header())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := handshake.Finish(resp, socket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(t.Context(), socket.Binary, wire.AppendAck(nil, 7)); err != nil {
		t.Fatal(err)
	}
	srv.WaitUntil("a stray ack", func() bool { return len(srv.StrayAcks()) == 1 })
	if ack := srv.StrayAcks()[0]; ack.Tag != 7 || ack.Conn != 1 || len(srv.Acks()) != 0 {
		t.Errorf("%+v, and %d other acks", ack, len(srv.Acks()))
	}
}
