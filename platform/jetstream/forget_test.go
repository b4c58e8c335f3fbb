package jetstream

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// shape describes owners with their queues, bindings and counts.
func shape(e *Engine) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var lines []string
	for name, o := range e.state.owners {
		bindings, weight := o.bindings, o.weight
		lines = append(lines, fmt.Sprintf("%s: %d bindings of weight %d", name, bindings, weight))
	}
	for id, q := range e.state.queues {
		var patterns []string
		for pattern := range q.patterns {
			patterns = append(patterns, pattern)
		}
		slices.Sort(patterns)
		lines = append(lines, fmt.Sprintf("%s %q, %d: %q, %+v", q.owner.name, q.topic, id, patterns, q.status()))
	}
	slices.Sort(lines)
	return strings.Join(append(lines, fmt.Sprint(e.state.records.liveBytes)), "\n")
}

// In some of the cases the live records of the log are carried meanwhile.
func TestAForgottenOwnerStaysForgotten(t *testing.T) {
	for _, above := range []int64{0, 1, 2000} {
		config := Config{Dir: t.TempDir(), SyncInterval: time.Minute, CacheBytes: 1, cleanAbove: above}
		e := open(t, config)
		for i := range 60 {
			owner := fmt.Sprint("owner", i%3)
			must(t, e.Write(t.Context(), owner, fmt.Sprint("topic", i%7), &platform.Message{Body: make([]byte, 100)}))
			must(t, e.Bind(t.Context(), owner, fmt.Sprint("topic", i%5), fmt.Sprint("order.", i)))
			must(t, errorOf(e.Publish(t.Context(), "", &platform.Message{ClientID: owner, Key: "order.1", Body: make([]byte, 100)})))
			if i%11 == 10 {
				must(t, e.Forget(t.Context(), owner))
			}
		}
		must(t, e.Forget(t.Context(), "owner1"))
		before := shape(e)
		must(t, e.Close())
		again := open(t, config)
		if after := shape(again); after != before || strings.Contains(after, "owner1") {
			t.Errorf("cleaned above %d bytes:\n%s\nbecame\n%s", above, before, after)
		}
		must(t, again.Forget(t.Context(), "owner0"))
		must(t, again.Forget(t.Context(), "owner2"))
		if left := shape(again); left != "0" {
			t.Errorf("without owners there is\n%s", left)
		}
	}
}

func TestAnOwnerOfManyQueuesIsForgottenInSteps(t *testing.T) {
	config := Config{Dir: t.TempDir(), SyncInterval: time.Minute, QueueBounds: platform.QueueBounds{MaxTopics: -1}}
	e := open(t, config)
	for i := range 2*forgottenFacts + 10 {
		must(t, e.Create(t.Context(), shop, fmt.Sprint(i)))
	}
	must(t, e.Create(t.Context(), "other", "topic"))
	before := e.known()
	must(t, e.Forget(t.Context(), shop))
	if steps := e.known() - before; steps != 3 {
		t.Errorf("it took %d records", steps)
	}
	check := func(e *Engine) {
		if all, err := e.Depths(t.Context()); len(all) != 2 || err != nil {
			t.Errorf("%d queues are left, %v", len(all), err)
		}
	}
	check(e)
	must(t, e.Close())
	again := open(t, config)
	check(again)
	write(t, again, "0", "anew")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
