package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// A testPublisher publishes numbered messages and remembers those that were confirmed.
type testPublisher struct {
	*testing.T
	engine    *Engine
	last      int
	confirmed []int
}

func (p *testPublisher) publish(size int) error {
	p.last++
	body := make([]byte, size)
	copy(body, fmt.Sprint(p.last, " "))
	began := time.Now()
	_, err := p.engine.Publish(p.Context(), "", &platform.Message{ClientID: shop, Key: "order.new", Body: body})
	if took := time.Since(began); took > p.engine.config.Patience+busy.Of(5*time.Second) {
		p.Errorf("took %v", took)
	}
	if err == nil {
		p.confirmed = append(p.confirmed, p.last)
	}
	return err
}

// untilRefused publishes until JetStream is not available, which must be soon.
func (p *testPublisher) untilRefused() {
	p.Helper()
	for range 1000 {
		err := p.publish(10_000)
		if errors.Is(err, platform.ErrUnavailable) {
			p.Log("refused:", err)
			return
		}
		if err != nil {
			p.Fatal(err)
		}
	}
	p.Fatal("everything was confirmed")
}

// untilConfirmed publishes until it goes well again.
func (p *testPublisher) untilConfirmed() {
	p.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		err := p.publish(100)
		if err == nil {
			return
		}
		if !errors.Is(err, platform.ErrUnavailable) || time.Now().After(deadline) {
			p.Fatal(err)
		}
	}
}

// holds compares what the topics have with what was confirmed. Others that were
// tried may be there too, but in each topic.
func (p *testPublisher) holds(topics ...string) {
	p.Helper()
	var first []int
	for i, topic := range topics {
		got := p.read(topic)
		if i == 0 {
			first = got
		}
		if !slices.Equal(got, first) || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			p.Errorf("topic %q has %v, and %q has %v", topics[0], first, topic, got)
		}
	}
	p.Logf("%d tried, %d confirmed, %d there", p.last, len(p.confirmed), len(first))
	for _, n := range p.confirmed {
		if _, there := slices.BinarySearch(first, n); !there {
			p.Errorf("number %d was confirmed and is not there", n)
		}
	}
}

func (p *testPublisher) read(topic string) (numbers []int) {
	messages, err := p.engine.Read(context.Background(), shop, topic, p.last+1)
	if err != nil {
		p.Fatal(err)
	}
	for _, m := range messages {
		var n int
		fmt.Sscan(string(m.Body), &n)
		numbers = append(numbers, n)
	}
	return numbers
}

func bind(t testing.TB, e *Engine, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		if err := e.Bind(t.Context(), shop, topic, "#"); err != nil {
			t.Fatal(err)
		}
	}
}
