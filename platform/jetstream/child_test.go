package jetstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	grown "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// childDir makes the test binary a process that fills the directory it names.
const childDir = "PRISM_TEST_JETSTREAM_DIR"

func child() {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	if err := work(dir); err != nil {
		fmt.Println("error", err)
	}
	os.Exit(1)
}

// slowRoom is how many messages the queue of another key has room for.
const slowRoom = 50

// work publishes numbered messages to two queues without an end, and prints what
// was confirmed. A consumer holds some, acknowledges every third, and fails every seventh,
// which is parked the second time. The queue of another key, which nobody reads, drops most
// of them.
func work(dir string) error {
	ctx := context.Background()
	e, err := Open(ctx, Config{Dir: dir, cleanAbove: 64 << 10, QueueBounds: platform.QueueBounds{MaxMessages: -1, Bindings: []platform.Binding{{Pattern: "#"}}}})
	if err != nil {
		return err
	}
	if err := e.Bind(ctx, shop, "orders", "order.#"); err != nil {
		return err
	}
	if err := e.Declare(ctx, "slow", platform.Owner{}); err != nil {
		return err
	}
	if err := e.SetLimits(ctx, "slow", "", platform.QueueLimits{MaxMessages: slowRoom}); err != nil {
		return err
	}
	if err := e.SetLimits(ctx, shop, "", platform.QueueLimits{MaxMessages: -1, MaxAttempts: 2}); err != nil {
		return err
	}
	c, err := e.Consume(ctx, shop, "", "test")
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		body := fmt.Sprintf("%06d", i)
		if _, err := e.Publish(ctx, "", &platform.Message{ClientID: shop, Key: "order.new", Body: []byte(body)}); err != nil {
			return err
		}
		fmt.Println("published", body)
		leases, err := c.Fetch(ctx, 1, math.MaxInt)
		if err != nil {
			return err
		}
		if i%7 == 5 {
			if err := failTwice(ctx, c, leases[0], body); err != nil {
				return err
			}
			continue
		}
		if i%3 != 0 {
			continue
		}
		if err := c.Ack(ctx, leases[0].ID); err != nil {
			return err
		}
		fmt.Println("acked", string(leases[0].Message.Body))
	}
}

func failTwice(ctx context.Context, c platform.Consumer, l platform.Lease, body string) error {
	for range 2 {
		if _, err := c.Fail(ctx, "why", l.ID); err != nil {
			return err
		}
		fmt.Println("failed", body)
	}
	return nil
}

// killed runs a child until it has published n messages, and kills it. It returns
// what was confirmed to the child. Of what has failed it returns how often.
func killed(t *testing.T, dir string, n int) (published []string, acked map[string]bool, failed map[string]int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked, failed = make(map[string]bool), make(map[string]int)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		what, body, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "published":
			published = append(published, body)
		case "acked":
			acked[body] = true
		case "failed":
			failed[body]++
		default:
			t.Errorf("the child says %q", lines.Text())
		}
		if len(published) == n {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	return published, acked, failed
}

func TestWhatWasConfirmedOutlivesKill9(t *testing.T) {
	dir := t.TempDir()
	published, acked, failed := killed(t, dir, 1000)
	began := time.Now()
	e := open(t, Config{Dir: dir})
	var want []string
	for _, body := range published {
		if !acked[body] && failed[body] < 2 {
			want = append(want, body)
		}
	}
	checkFailed(t, e, failed)
	checkDropped(t, e)
	checkContents(t, e, "orders", published)
	checkContents(t, e, "", want)
	if took := time.Since(began); took > grown.Of(10*time.Second) {
		t.Errorf("it took %v", took)
	}
}

// checkFailed checks that what has failed twice is parked. The last failure may have been
// stored without having been confirmed.
func checkFailed(t *testing.T, e *Engine, failed map[string]int) {
	t.Helper()
	found, err := e.Parked(t.Context(), shop, "", platform.MessageID{}, 1000)
	must(t, err)
	var got, want []string
	for _, p := range found {
		if got = append(got, string(p.Message.Body)); p.Attempts != 2 || p.Reason != "why" || p.By != "test" {
			t.Errorf("%q was parked after %d attempts as %q by %q", p.Message.Body, p.Attempts, p.Reason, p.By)
		}
	}
	for body, n := range failed {
		if n == 2 {
			want = append(want, body)
		}
	}
	slices.Sort(want)
	if len(got) == len(want)+1 {
		got = got[:len(want)]
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("parked are %q, want %q", got, want)
	}
}

// checkDropped checks that the slow queue has the last messages of the topic orders, and
// has dropped the others.
func checkDropped(t *testing.T, e *Engine) {
	t.Helper()
	s, err := e.Status(t.Context(), shop, "orders")
	slow, err2 := e.Status(t.Context(), "slow", "")
	if err = errors.Join(err, err2); err != nil || slow.Ready != slowRoom || slow.Dropped != uint64(s.Ready-slowRoom) {
		t.Errorf("of %d messages there are %d left and %d dropped, %v", s.Ready, slow.Ready, slow.Dropped, err)
	}
	bodies := func(owner, topic string) (all []string) {
		found, err := e.Peek(t.Context(), owner, topic, platform.MessageID{}, s.Ready)
		must(t, err)
		for _, p := range found {
			all = append(all, string(p.Message.Body))
		}
		return all
	}
	if got, want := bodies("slow", ""), bodies(shop, "orders")[s.Ready-slowRoom:]; !slices.Equal(got, want) {
		t.Errorf("the slow queue has %q, want %q", got, want)
	}
}

// checkContents checks that the queue holds these, in order. The last publish or
// ack may have been stored without having been confirmed.
func checkContents(t *testing.T, e *Engine, topic string, want []string) {
	t.Helper()
	messages, err := e.Read(t.Context(), shop, topic, len(want)+10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range messages {
		got = append(got, string(m.Body))
	}
	if len(got) > 0 && len(want) > 0 && got[len(got)-1] > want[len(want)-1] {
		got = got[:len(got)-1]
	}
	if len(got) < len(want) {
		want = slices.Clone(want[:len(want)-1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q: %d messages are left, want %d", topic, len(got), len(want))
	}
}

func TestADataDirectoryHasOneEngine(t *testing.T) {
	dir := t.TempDir()
	first := open(t, Config{Dir: dir})
	_, err := Open(t.Context(), Config{Dir: dir, Logger: quiet(t)})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second engine: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Dir: dir})
}

func TestAnEngineThatIsOpenedAgainIsAsItWas(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		e := open(t, Config{Dir: dir, cleanAbove: 1})
		if round == 0 {
			if err := e.Bind(t.Context(), shop, "orders", "order.#"); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 20 {
			m := &platform.Message{ClientID: shop, Key: "order.new", Body: fmt.Appendf(nil, "%d.%02d", round, i)}
			if _, err := e.Publish(t.Context(), "", m); err != nil {
				t.Fatal(err)
			}
		}
		leases, _ := fetchN(t, consume(t, e, ""), 20*(round+1))
		if err := e.Close(); err != nil || len(leases) == 0 {
			t.Fatal(err)
		}
	}
	e := open(t, Config{Dir: dir})
	for _, topic := range []string{"", "orders"} {
		_, texts := fetchN(t, consume(t, e, topic), 60)
		if !slices.IsSorted(texts) || texts[0] != "0.00" || texts[59] != "2.19" {
			t.Errorf("%q holds %q", topic, texts)
		}
	}
	if topics, err := e.List(t.Context(), shop); err != nil || !slices.Equal(topics, []string{"orders"}) {
		t.Errorf("%q, %v", topics, err)
	}
}

// A message that is stuck at the head does not keep the records behind it.
func TestTheLogIsCleanedBehindAStuckMessage(t *testing.T) {
	e := open(t, Config{Dir: t.TempDir(), SyncInterval: time.Minute, cleanAbove: 256 << 10})
	stuck, busy := consume(t, e, "stuck"), consume(t, e, "")
	write(t, e, "stuck", "stuck")
	fetchN(t, stuck, 1)
	body := strings.Repeat("x", 10_000)
	for range 300 {
		write(t, e, "", body)
		leases, _ := fetchN(t, busy, 1)
		if err := busy.Ack(t.Context(), ids(leases)...); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(grown.Of(10 * time.Second)); ; time.Sleep(10 * time.Millisecond) {
		info, err := e.journal.js.Stream(t.Context(), e.journal.stream)
		if err != nil {
			t.Fatal(err)
		}
		if info.CachedInfo().State.Bytes < 1<<20 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are left", info.CachedInfo().State.Bytes)
		}
	}
	if err := stuck.Close(); err != nil {
		t.Fatal(err)
	}
	checkContents(t, e, "stuck", []string{"stuck"})
}

// What is read must not overrun the connection.
func TestALogOfLargeMessagesIsReadAgain(t *testing.T) {
	c := Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxMessages: -1, MaxBytes: -1}}
	e := open(t, c)
	body := strings.Repeat("x", 1<<20)
	const n = 80 // MiB, more than a client keeps
	for range n {
		write(t, e, "", body)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, c)
	if s, err := e.Status(t.Context(), shop, ""); err != nil || s.Bytes != n<<20 {
		t.Errorf("%+v, %v", s, err)
	}
	fetchN(t, consume(t, e, ""), n)
}
