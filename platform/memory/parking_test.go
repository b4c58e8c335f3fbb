package memory

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
)

// parkAll parks what is in the default queue and returns the IDs.
func parkAll(t testing.TB, q *Queues) (ids []platform.MessageID) {
	t.Helper()
	found, err := q.Peek(t.Context(), shop, "", platform.MessageID{}, math.MaxInt/2)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		ids = append(ids, p.Message.ID)
	}
	if n, err := q.Park(t.Context(), shop, "", "it cannot be handled", "a test", ids...); n != len(ids) || err != nil {
		t.Fatalf("%d of %d were parked, %v", n, len(ids), err)
	}
	return ids
}

// The waiting Fetch has been given the message, but its goroutine does not run before
// that is parked.
func TestAWaitingConsumerDoesNotGetWhatWasParkedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{})
		log := waiters(t, t.Context(), q, 1)
		o, err := q.lock(shop)
		if err != nil {
			t.Fatal(err)
		}
		m := q.identify(&platform.Message{})
		o.topics[""].put(m)
		parked := o.topics[""].park("", "", []uint64{m.ID.Number})
		o.unlock()
		if parked != 1 {
			t.Fatalf("%d messages were parked", parked)
		}
		expect(t, log())
		write(t, q, "", &platform.Message{})
		expect(t, log(), "consumer 0: 1 <nil>")
		if s, _ := q.Status(t.Context(), shop, ""); s.Parked != 1 || s.Unacknowledged != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A message that is put back when it is too old would be gone at once.
func TestParkedMessagesDoNotAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{MaxAge: time.Minute})
		write(t, q, "", &platform.Message{Time: time.Now()})
		write(t, q, "", &platform.Message{Time: time.Now().Add(30 * time.Second)})
		ids := parkAll(t, q)
		time.Sleep(time.Minute + time.Second)
		if n, err := q.Unpark(t.Context(), shop, "", ids...); n != 1 || err != nil {
			t.Errorf("%d messages were put back, %v; want 1", n, err)
		}
		if s, _ := q.Status(t.Context(), shop, ""); s.Parked != 1 || s.Ready != 1 || q.Expired() != 0 {
			t.Errorf("%+v, and %d have expired", s, q.Expired())
		}
	})
}

func TestOfConsumersAloneTheOldestGetsAllUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{})
		results := make(chan string, 10)
		consumers := make([]platform.Consumer, 3)
		for i := range consumers {
			c, err := q.ConsumeAlone(t.Context(), shop, "", "")
			if err != nil {
				t.Fatal(err)
			}
			consumers[i] = c
			go func() {
				for {
					leases, err := c.Fetch(t.Context(), 1, math.MaxInt)
					if err != nil {
						return
					}
					results <- fmt.Sprintf("%d%v", i, leases[0].Message.Body)
				}
			}()
			synctest.Wait()
		}
		await := func(want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for len(results) > 0 {
				got = append(got, <-results)
			}
			expect(t, got, want...)
		}
		write(t, q, "", &platform.Message{Body: []byte{1}})
		write(t, q, "", &platform.Message{Body: []byte{2}})
		await("0[1]", "0[2]")
		consumers[1].Close()
		write(t, q, "", &platform.Message{Body: []byte{3}})
		await("0[3]")
		consumers[0].Close()
		await("2[1]", "2[2]", "2[3]")
		consumers[2].Close()
	})
}

func TestWhatWasParkedLeavesNoMemoryBehind(t *testing.T) {
	q := New(Config{MaxParked: -1})
	before := inUse()
	for range 30_000 {
		write(t, q, "", &platform.Message{Body: make([]byte, 100)})
	}
	ids := parkAll(t, q)
	if n, err := q.Discard(t.Context(), shop, "", ids[1:]...); n != len(ids)-1 || err != nil {
		t.Fatalf("%d were discarded, %v", n, err)
	}
	one := ids[0]
	ids = nil
	if left := inUse() - before; left > 256<<10 {
		t.Errorf("%d bytes are left", left)
	}
	if n, err := q.Unpark(t.Context(), shop, "", one); n != 1 || err != nil {
		t.Errorf("%d were put back, %v", n, err)
	}
	runtime.KeepAlive(q)
}

func TestTheCountOfAttemptsEnds(t *testing.T) {
	q := New(Config{})
	write(t, q, "", &platform.Message{})
	c := consume(t, q, "")
	held := fetch(t, c, 1)
	for range platform.MaxAttemptsCounted + 10 {
		if parked, err := c.Fail(t.Context(), "", held[0].ID); len(parked) > 0 || err != nil {
			t.Fatalf("%v were parked, %v", parked, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if again := fetch(t, consume(t, q, ""), 1); again[0].Attempt != platform.MaxAttemptsCounted+1 {
		t.Errorf("the message comes at attempt %d", again[0].Attempt)
	}
}
