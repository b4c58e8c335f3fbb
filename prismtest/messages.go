package prismtest

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Publish routes a text message as if the first key had published it, whatever its app
// may publish: to the queues of all keys of the domain that are bound to it. It is stored
// when Publish returns. [Server.Published] does not list it.
func (s *Server) Publish(key, body string) {
	s.t.Helper()
	ctx := context.Background()
	app, err := s.registry.App(ctx, s.key.App)
	if err == nil {
		_, err = s.queues.Publish(ctx, app.Exchange(), s.message(key, body))
	}
	if err != nil {
		s.t.Fatalf("prismtest: publishing %s: %v", key, err)
	}
}

// Write puts a text message into the queue of a topic of the first key without
// routing it; it is stored when Write returns. The empty topic is the default
// queue. [Server.Published] does not list the message.
func (s *Server) Write(topic, body string) {
	s.t.Helper()
	if err := s.queues.Write(context.Background(), s.key.ID, topic, s.message("", body)); err != nil {
		s.t.Fatalf("prismtest: writing to the topic %q: %v", topic, err)
	}
}

func (s *Server) message(key, body string) *platform.Message {
	return &platform.Message{
		Key: key, Body: []byte(body), ContentType: "text/plain",
		ClientID: s.key.ID, App: s.key.App, Time: time.Unix(s.Now().Unix(), 0),
	}
}

// Status counts the queue of a topic of the first key. A topic that was never
// made has the zero status.
func (s *Server) Status(topic string) platform.QueueStatus {
	s.t.Helper()
	status, err := s.queues.Status(context.Background(), s.key.ID, topic)
	if err != nil && !errors.Is(err, platform.ErrUnknownTopic) {
		s.t.Fatalf("prismtest: the status of the topic %q: %v", topic, err)
	}
	return status
}

// Depth returns how many messages the queue of a topic of the first key has, including
// those that consumers hold.
func (s *Server) Depth(topic string) int {
	s.t.Helper()
	status := s.Status(topic)
	return status.Ready + status.Unacknowledged
}

// Peek returns the messages of the queue of a topic of the first key, in their order and
// those that consumers hold too. It changes nothing. A topic that was never made has
// none. The first key is an admin key, so package notify shows the queues of other keys,
// by the Of and Peek of its QueueClient.
func (s *Server) Peek(topic string) (found []platform.Peeked) {
	s.t.Helper()
	var after platform.MessageID
	for {
		page, err := s.queues.Peek(context.Background(), s.key.ID, topic, after, 1000)
		if err != nil && !errors.Is(err, platform.ErrUnknownTopic) {
			s.t.Fatalf("prismtest: looking into the topic %q: %v", topic, err)
		}
		if len(page) == 0 {
			return found
		}
		found = append(found, page...)
		after = page[len(page)-1].Message.ID
	}
}

// Parked returns the messages that are parked in the queue of a topic of the first key, in
// their order, as Peek the others.
func (s *Server) Parked(topic string) (parked []platform.Parked) {
	s.t.Helper()
	var after platform.MessageID
	for {
		page, err := s.queues.Parked(context.Background(), s.key.ID, topic, after, 1000)
		if err != nil && !errors.Is(err, platform.ErrUnknownTopic) {
			s.t.Fatalf("prismtest: looking at what is parked in the topic %q: %v", topic, err)
		}
		if len(page) == 0 {
			return parked
		}
		parked = append(parked, page...)
		after = page[len(page)-1].Message.ID
	}
}

// LimitAttempts makes the queue of a topic of the first key park a message that was tried
// n times; 0 ends that. A topic that is not there is made. The other limits of the queue
// become the defaults.
func (s *Server) LimitAttempts(topic string, n int) {
	s.t.Helper()
	ctx := context.Background()
	err := s.queues.Create(ctx, s.key.ID, topic)
	if err == nil {
		err = s.queues.SetLimits(ctx, s.key.ID, topic, platform.QueueLimits{MaxAttempts: n})
	}
	if err != nil {
		s.t.Fatalf("prismtest: limiting the attempts of the topic %q: %v", topic, err)
	}
}
