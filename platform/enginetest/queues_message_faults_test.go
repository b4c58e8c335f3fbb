package enginetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// Faults of IDs and of what one sees of a queue.

// renamed changes the IDs of what Peek shows.
func renamed(change func(platform.MessageID) platform.MessageID) func(good platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.peek = func(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error) {
			found, err := good.Peek(ctx, owner, topic, after, n)
			for i, p := range found {
				m := *p.Message
				m.ID = change(m.ID)
				found[i].Message = &m
			}
			return found, err
		}
		return f
	}
}

// readNamed gives what is read other IDs.
func readNamed(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.read = func(ctx context.Context, owner, topic string, n int) ([]*platform.Message, error) {
		ms, err := good.Read(ctx, owner, topic, n)
		for i, m := range ms {
			other := *m
			other.ID.Number++
			ms[i] = &other
		}
		return ms, err
	}
	return f
}

// publishCopies leaves the publisher's message without an ID.
func publishCopies(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		stored := *m
		return publishOne(ctx, good, exchange, &stored)
	})
	return f
}

// writeNames gives also what is dropped an ID.
func writeNames(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		err := good.Write(ctx, owner, topic, m)
		if m.ID.IsZero() {
			m.ID.Number = 7
		}
		return err
	}
	return f
}

// fullOfNobody does not say whose queue is full.
func fullOfNobody(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		n, err := publishOne(ctx, good, exchange, m)
		if err != nil {
			text, _, _ := strings.Cut(err.Error(), " of the key ")
			err = fmt.Errorf("%w: %s", platform.ErrQueueFull, text)
		}
		return n, err
	})
	return f
}

// peekAs changes what Peek is asked for, and what it shows.
func peekAs(ask func(*platform.MessageID, *int), show func([]platform.Peeked) []platform.Peeked) func(good platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.peek = func(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error) {
			ask(&after, &n)
			found, err := good.Peek(ctx, owner, topic, after, n)
			return show(found), err
		}
		return f
	}
}

func askTheSame(*platform.MessageID, *int) {}

func showTheSame(found []platform.Peeked) []platform.Peeked { return found }

func fromTheHead(after *platform.MessageID, _ *int) { *after = platform.MessageID{} }

func many(_ *platform.MessageID, n *int) { *n = 1000 }

func readyOnly(found []platform.Peeked) []platform.Peeked {
	return slices.DeleteFunc(found, func(p platform.Peeked) bool { return p.Held })
}

func nameless(found []platform.Peeked) []platform.Peeked {
	for i := range found {
		found[i].Holder = ""
	}
	return found
}

func bodiless(found []platform.Peeked) []platform.Peeked {
	for i, p := range found {
		m := *p.Message
		m.Body = nil
		found[i].Message = &m
	}
	return found
}

// peekTakes removes what it shows.
func peekTakes(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.peek = func(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error) {
		found, err := good.Peek(ctx, owner, topic, after, n)
		if err == nil {
			_, err = good.Read(ctx, owner, topic, len(found))
		}
		return found, err
	}
	return f
}

// peekBehindReady begins at the head behind what is no longer there.
func peekBehindReady(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.peek = func(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error) {
		found, err := good.Peek(ctx, owner, topic, platform.MessageID{}, math.MaxInt32)
		if !slices.ContainsFunc(found, func(p platform.Peeked) bool { return p.Message.ID == after }) {
			return found[:min(n, len(found))], err
		}
		return good.Peek(ctx, owner, topic, after, n)
	}
	return f
}
