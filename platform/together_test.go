package platform_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// batches tells how many messages an engine is given at once.
type batches struct {
	platform.Queues
	sizes chan int
}

func (b batches) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	b.sizes <- len(ms)
	return b.Queues.Publish(ctx, exchange, ms...)
}

func publishFrame(t *testing.T, key, body string) []byte {
	t.Helper()
	frame, err := wire.AppendPublish(nil, key, []byte(body), "text/plain")
	if err != nil {
		t.Fatal(err)
	}
	return rawFrame(0x82, 7, frame)
}

func TestMessagesThatCameTogetherAreStoredTogether(t *testing.T) {
	queues := batches{newQueues(memory.Config{}), make(chan int, 100)}
	e := newEnv(t, platform.Config{Queues: queues})
	conn, in := e.rawChannel()
	defer conn.Close()
	var together []byte
	for range 20 {
		together = append(together, publishFrame(t, "order.new", "x")...)
	}
	together = append(together, rawFrame(0x89, 7, []byte("proof"))...)
	if _, err := conn.Write(together); err != nil {
		t.Fatal(err)
	}
	if first, payload := rawServerFrame(t, in); first != 0x8A || string(payload) != "proof" {
		t.Fatalf("got a frame %x %q instead of the pong", first, payload)
	}
	if n := e.status("").Ready; n != 20 {
		t.Errorf("%d messages are stored at the time of the pong", n)
	}
	if calls := len(queues.sizes); calls > 3 {
		t.Errorf("20 messages were stored by %d calls", calls)
	}
}

// A refusal in the midst of what came together must not be confirmed by the ping
// behind it, nor take those before it along.
func TestNoPongFollowsARefusalAmongWhatCameTogether(t *testing.T) {
	e := newEnv(t, platform.Config{Queues: newQueues(memory.Config{MaxMessages: 3})})
	p := e.dial()
	var together []byte
	for range 5 {
		together = append(together, publishFrame(t, "order.new", "x")...)
	}
	together = append(together, rawFrame(0x89, 7, []byte("proof"))...)
	if _, err := p.raw.Write(together); err != nil {
		t.Fatal(err)
	}
	if c := p.closed(); c.Code != socket.TryAgainLater {
		t.Errorf("closed with %v", c)
	}
	if len(p.pong) > 0 {
		t.Error("a pong confirms what was refused")
	}
	if n := e.status("").Ready; n != 3 {
		t.Errorf("%d messages are stored, want those before the refusal", n)
	}
}

// latched is an engine whose Publish begins and waits.
type latched struct {
	platform.Queues
	began, open chan struct{}
}

func (g latched) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	g.began <- struct{}{}
	<-g.open
	return g.Queues.Publish(ctx, exchange, ms...)
}

func TestTheNextMessagesAreReadWhileAnEngineStores(t *testing.T) {
	queues := latched{newQueues(memory.Config{}), make(chan struct{}, 100), make(chan struct{})}
	start := time.Now().Truncate(time.Second)
	var asked atomic.Int64 // how often the platform asked for the time, which goes on by a second each time
	now := func() time.Time { return start.Add(time.Duration(asked.Add(1)) * time.Second) }
	e := newEnv(t, platform.Config{Queues: queues, Now: now})
	conn, in := e.rawChannel()
	defer conn.Close()
	const all, together = 300, 256
	var frames []byte
	for i := range all {
		frames = append(frames, publishFrame(t, "order.new", strconv.Itoa(i))...)
	}
	frames = append(frames, rawFrame(0x89, 7, []byte("proof"))...)
	before := asked.Load()
	if _, err := conn.Write(frames); err != nil {
		t.Fatal(err)
	}
	awaited(t, "the storing", queues.began)
	// The first message of each batch asks for the time, and the storing of the first batch.
	for began := time.Now(); asked.Load() < before+3 && time.Since(began) < busy.Of(5*time.Second); {
		runtime.Gosched()
	}
	opened := start.Add(time.Duration(asked.Load()) * time.Second)
	close(queues.open)
	if first, payload := rawServerFrame(t, in); first != 0x8A || string(payload) != "proof" {
		t.Fatalf("got a frame %x %q instead of the pong", first, payload)
	}
	messages, err := queues.Read(t.Context(), testKey, "", all+1)
	if err != nil || len(messages) != all {
		t.Fatalf("%d messages are stored at the time of the pong, %v", len(messages), err)
	}
	for i, m := range messages {
		if string(m.Body) != strconv.Itoa(i) {
			t.Fatalf("message %d is %q", i, m.Body)
		}
	}
	if late := messages[together].Time.Sub(opened); late > 0 {
		t.Errorf("message %d was read only when the engine had stored those before it", together)
	}
}

// What was read while an engine stored must not be stored behind what it has refused.
func TestNothingIsStoredBehindARefusalOfManyMessages(t *testing.T) {
	const room = 100
	e := newEnv(t, platform.Config{Queues: newQueues(memory.Config{MaxMessages: room})})
	p := e.dial()
	var together []byte
	for i := range 700 {
		key := "order.new"
		if i >= room {
			key = "order.late"
		}
		together = append(together, publishFrame(t, key, "x")...)
	}
	together = append(together, rawFrame(0x89, 7, []byte("proof"))...)
	_, _ = p.raw.Write(together) // the connection may end meanwhile
	if c := p.closed(); c.Code != socket.TryAgainLater {
		t.Errorf("closed with %v", c)
	}
	if len(p.pong) > 0 {
		t.Error("a pong confirms what was refused")
	}
	if s := e.status(""); s.Ready != room || e.p.Stats().Published != room {
		t.Errorf("stored: %+v, %d published", s, e.p.Stats().Published)
	}
}

func TestWhatCameBeforeABrokenFrameIsStored(t *testing.T) {
	e := newEnv(t, platform.Config{})
	p := e.dial()
	together := append(publishFrame(t, "order.new", "x"), rawFrame(0x82, 7, []byte{0x77})...)
	if _, err := p.raw.Write(together); err != nil {
		t.Fatal(err)
	}
	if c := p.closed(); c.Code != socket.UnsupportedData {
		t.Errorf("closed with %v", c)
	}
	if n := e.status("").Ready; n != 1 {
		t.Errorf("%d messages are stored", n)
	}
}

// unackable refuses acknowledgements.
func unackable() platform.Queues {
	return ackedBy{newQueues(memory.Config{}), func(context.Context, platform.Consumer, []uint64) error {
		return errors.Join(platform.ErrUnavailable, errors.New("no room"))
	}}
}

func TestAnAckThatIsNotStoredEndsTheConnection(t *testing.T) {
	e := newEnv(t, platform.Config{Queues: unackable()})
	e.write("", "x")
	p := e.dial()
	p.consume("")
	p.next()
	p.ack(1)
	p.ping("proof")
	if c := p.closed(); c.Code != socket.TryAgainLater {
		t.Errorf("closed with %v", c)
	}
	if len(p.pong) > 0 {
		t.Error("a pong came after all")
	}
	if s := e.status(""); s.Ready != 1 {
		t.Errorf("the message is not back: %+v", s)
	}
}

// A peer that publishes a result and acknowledges what it was made from must not
// lose both.
func TestAnAckBehindARefusedMessageIsNotStored(t *testing.T) {
	e := newEnv(t, platform.Config{Queues: newQueues(memory.Config{MaxMessages: 1})})
	e.write("source", "order")
	e.write("", "full")
	p := e.dial()
	p.consume("source")
	p.next()
	together := append(publishFrame(t, "order.new", "result"), rawFrame(0x82, 7, wire.AppendAck(nil, 1))...)
	if _, err := p.raw.Write(together); err != nil {
		t.Fatal(err)
	}
	if c := p.closed(); c.Code != socket.TryAgainLater {
		t.Errorf("closed with %v", c)
	}
	if s := e.status("source"); s.Ready != 1 || e.p.Stats().Acked != 0 {
		t.Errorf("the message is not back: %+v", s)
	}
}

// listing is an engine whose consumers are values that cannot be compared.
type listing struct{ platform.Queues }

type listingConsumer struct {
	platform.Consumer
	_ []string
}

func (q listing) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := q.Queues.Consume(ctx, owner, topic, name)
	return listingConsumer{Consumer: c}, err
}

func TestAConsumerOfAnEngineNeedNotBeComparable(t *testing.T) {
	queues := listing{newQueues(memory.Config{})}
	e := newEnv(t, platform.Config{Queues: queues})
	peer := e.dial()
	peer.consume("")
	peer.publish("order.new", "x")
	peer.ack(peer.next().Tag)
	peer.barrier()
	if s, err := queues.Status(t.Context(), testKey, ""); err != nil || s.Ready+s.Unacknowledged != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
