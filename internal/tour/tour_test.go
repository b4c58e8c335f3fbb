package tour

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/platform/memory"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A listener collects what a tour tells.
type listener struct {
	lines []string
	steps []Step
}

func (l *listener) config() Config {
	return Config{
		Line: func(text string) error { l.lines = append(l.lines, text); return nil },
		Step: func(s Step) error { l.steps = append(l.steps, s); return nil },
	}
}

// A toured has what was seen of a whole tour.
type toured struct {
	listener
	store *kindsSaved
	err   error
}

// whole goes on the tour once for all tests.
var whole = sync.OnceValue(func() (seen toured) {
	seen.store = &kindsSaved{kinds: map[string]bool{}}
	cfg := seen.config()
	cfg.Open = func(context.Context) (Engine, error) {
		return Engine{seen.store, memory.New(memory.Config{}), func() error { return nil }}, nil
	}
	seen.err = Run(context.Background(), cfg)
	return seen
})

// A kindsSaved is a store that knows which kinds of records it was given to keep.
type kindsSaved struct {
	memory.Store

	mu    sync.Mutex // guards kinds
	kinds map[string]bool
}

func (s *kindsSaved) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if ttl == 0 {
		s.mu.Lock()
		s.kinds[kind] = true
		s.mu.Unlock()
	}
	return s.Store.Save(ctx, kind, id, value, revision, ttl)
}

func TestEachStepOfTheTourHolds(t *testing.T) {
	seen := whole()
	if seen.err != nil {
		t.Fatalf("%v after\n%s", seen.err, strings.Join(seen.lines, "\n"))
	}
	for i, s := range seen.steps {
		if !s.OK || s.Number != i+1 || s.Title == "" || len(s.Said) == 0 {
			t.Errorf("step %d is %+v", i+1, s)
		}
	}
	text := strings.Join(seen.lines, "\n")
	if n := strings.Count(text, "✓"); n != 9 || len(seen.steps) != n || !strings.Contains(text, "\n\nAll of it held, in ") {
		t.Errorf("%d steps are told in\n%s", len(seen.steps), text)
	}
}

func TestTheTourFitsATerminalOf80By24(t *testing.T) {
	lines := strings.Split(strings.Join(whole().lines, "\n"), "\n")
	if len(lines) > 22 { // the command and the next prompt have a line each
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 80 || line == "   " {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

func TestTheTourLeavesNoRecordOfItsOwn(t *testing.T) {
	store := whole().store
	for _, kind := range []string{callStatistics, servicePrefixes} {
		if !store.kinds[kind] {
			t.Errorf("the platform saves nothing of the kind %s", kind)
		}
	}
	shared := map[string]int{"decoy": 1, "device": 1, "note": 1} // of all platforms over the engine
	for kind := range store.kinds {
		if left, err := store.List(t.Context(), kind); err != nil || len(left) > shared[kind] {
			t.Errorf("of the kind %s it has left %v, %v", kind, left, err)
		}
	}
}

func TestAStepThatFailsEndsTheTour(t *testing.T) {
	var l listener
	s := &story{Config: l.config()}
	err := s.step(t.Context(), 3, "Something", func(context.Context) error {
		s.say("called", "nobody")
		return errors.New("nobody answered")
	})
	if err == nil || err.Error() != "step 3 of the demo (Something) failed: nobody answered" {
		t.Errorf("error %v", err)
	}
	if text := strings.Join(l.lines, "\n"); !strings.Contains(text, "3. Something ✗ ") || !strings.HasSuffix(text, " ms\n   called nobody") {
		t.Errorf("told %q", text)
	}
	if len(l.steps) != 1 || l.steps[0].OK {
		t.Errorf("steps %+v", l.steps)
	}
}

func TestAnEngineThatDoesNotOpenEndsTheTour(t *testing.T) {
	var l listener
	cfg := l.config()
	locked := errors.New("locked")
	cfg.Open = func(context.Context) (Engine, error) { return Engine{}, locked }
	if err := Run(t.Context(), cfg); !errors.Is(err, locked) || len(l.steps) != 1 {
		t.Errorf("error %v after %+v", err, l.steps)
	}
}

func TestATourThatCannotBeToldSaysSoAndGoesNoFurther(t *testing.T) {
	clogged := errors.New("the pipe is closed")
	cfg := Config{Line: func(string) error { return clogged }}
	if err := Run(t.Context(), cfg); !errors.Is(err, clogged) {
		t.Errorf("error %v", err)
	}
	s := &story{Config: cfg}
	if err := s.step(t.Context(), 1, "Something", func(context.Context) error { return nil }); !errors.Is(err, clogged) {
		t.Errorf("after the first step: %v", err)
	}
}

func TestATourEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var last Step
	err := Run(ctx, Config{Step: func(s Step) error {
		last = s
		if s.Number == 2 {
			cancel()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) || last.Number != 3 || last.OK {
		t.Errorf("error %v after %+v", err, last)
	}
}
