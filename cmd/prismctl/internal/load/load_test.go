package load

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/lifeline"
	"github.com/shopex/prism-go/notify"
)

func TestAMarkingComesBackAndNothingElseIsOne(t *testing.T) {
	for _, m := range []marking{{}, {1, 2, 3}, {math.MaxUint64, math.MaxUint64, math.MaxInt64}} {
		for _, size := range []int{minSize, minSize + 1, 1000} {
			body := []byte(strings.Repeat("x", size))
			m.put(body)
			if got, ok := markingOf(body); !ok || got != m || len(body) != size {
				t.Errorf("%+v became %+v, %v", m, got, ok)
			}
		}
	}
	for _, body := range []string{"", "hello", strings.Repeat("x", minSize-1), strings.Repeat("!", minSize), "{" + strings.Repeat("x", minSize)} {
		if m, ok := markingOf([]byte(body)); ok {
			t.Errorf("%q is %+v", body, m)
		}
	}
}

func TestSlotsKnowDuplicatesAndWhatIsMissing(t *testing.T) {
	s := newSlots(2, func(int, error) {})
	if !s.consume(1) || s.consume(1) || !s.first(1) {
		t.Error("a first message is consumed once")
	}
	s.open()
	take := func() (int, uint64) {
		i, _ := s.take(t.Context())
		return i, s.begin(i, 0, newLatency())
	}
	i, id := take()
	if s.first(id) || !s.consume(id) || s.consume(id) {
		t.Error("a message is consumed once")
	}
	s.confirm(i) // after the delivery
	j, lost := take()
	i, again := take()
	if again == id || s.consume(id) {
		t.Error("the slot has another message now")
	}
	s.confirm(j)
	if s.missing() != 1 { // lost; the other one is not confirmed
		t.Errorf("%d messages are missing", s.missing())
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if s.takeAll(over) {
		t.Error("something is under way")
	}
	s.cancel(i)
	if s.consume(again) {
		t.Error("a cancelled message does not come")
	}
	if !s.consume(lost) || !s.takeAll(t.Context()) || s.missing() != 0 {
		t.Error("nothing is under way")
	}
}

func TestARefusedMessageEndsTheLoadAndOneThatIsGivenUpDoesNot(t *testing.T) {
	for _, c := range []struct {
		err  error
		stop bool
	}{
		{&notify.RefusedError{Code: 1009}, true},
		{notify.ErrClosed, false},
		{errors.Join(notify.ErrOutcomeUnknown, context.Canceled), false},
	} {
		ctx, line := lifeline.New(t.Context(), "", func(string, ...any) {})
		b := &bench{line: line}
		b.slots = newSlots(1, b.settle)
		b.settle(0, c.err)
		if (ctx.Err() != nil) != c.stop || b.count.failed.Load() != 1 || !errors.Is(*b.failure.Load(), c.err) {
			t.Errorf("%v: %v", c.err, context.Cause(ctx))
		}
		line.Stop(nil)
	}
}

func TestAPaceHasNoOverflowAndNoDrift(t *testing.T) {
	for _, rate := range []int64{1, 3, 1000, 999_983, mostRate} {
		p := pace{rate: rate}
		day := int64(24 * 60 * 60)
		if got := p.due(day * rate); got != day*int64(time.Second) {
			t.Errorf("at %d a second, a day ends after %v", rate, time.Duration(got))
		}
		for n := range int64(1000) {
			if step := p.due(n+1) - p.due(n); step < int64(time.Second)/rate || step > int64(time.Second)/rate+1 {
				t.Fatalf("message %d is %v after the one before", n+1, time.Duration(step))
			}
		}
	}
}

func TestALateMessageCountsFromWhenItWasDue(t *testing.T) {
	now := int64(0)
	p := pace{rate: 1000, clock: func() int64 { return now }}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for _, c := range []struct{ now, want time.Duration }{
		{0, 0},
		{2 * time.Millisecond, 2 * time.Millisecond},    // due after 1 ms: as late as a timer may be
		{time.Second, 2 * time.Millisecond},             // held up
		{time.Second + time.Hour, 3 * time.Millisecond}, // still
	} {
		now = int64(c.now)
		if got, ok := p.turn(t.Context(), timer); !ok || got != int64(c.want) {
			t.Errorf("after %v it counts from %v, want %v", c.now, time.Duration(got), c.want)
		}
	}
	now = 0
	over, cancel := context.WithCancel(t.Context())
	cancel()
	p.next.Store(1 << 40)
	if _, ok := p.turn(over, timer); ok {
		t.Error("it did not wait")
	}
}

func TestProgressLineTellsHowFarItIs(t *testing.T) {
	for want, got := range map[string]string{
		"████████████░░░░░░░░░░░░  50 %  5.0 s of 10s  12,345 consumed  2,469/s": progressLine(5*time.Second, 10*time.Second, 12_345, 2469, 7, false),
		"████████████████████████ 100 %  10.2 s of 10s  1 consumed  0/s":         progressLine(10200*time.Millisecond, 10*time.Second, 1, 0, 7, false),
		"the load is over; 7 messages on their way": progressLine(time.Second, 10*time.Second, 1, 0, 7, true),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestFiguresAreShort(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{shortTime(0.0000512), "0.05 µs"}, {shortTime(0.0415), "41.5 µs"}, {shortTime(0.8), "800 µs"}, {shortTime(1), "1.00 ms"},
		{shortTime(12.34), "12.3 ms"}, {shortTime(123.4), "123 ms"}, {shortTime(600_000), "600 s"},
		{edgeTime(0.0015), "1.5 µs"}, {edgeTime(0.07), "70 µs"}, {edgeTime(1), "1 ms"}, {edgeTime(700), "700 ms"}, {edgeTime(500_000), "500 s"},
		{grouped(0), "0"}, {grouped(-123), "-123"}, {grouped(999), "999"}, {grouped(1000), "1,000"}, {grouped(-1234567), "-1,234,567"},
		{bar(1, 4), "████"}, {bar(0, 4), ""}, {bar(0.001, 4), "▏"}, {bar(0.375, 2), "▊"}, {bar(0.625, 2), "█▎"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
