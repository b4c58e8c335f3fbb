package tour

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/shopex/prism-go/internal/leak"
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

func TestEachStepOfTheTourHolds(t *testing.T) {
	var l listener
	if err := Run(t.Context(), l.config()); err != nil {
		t.Fatalf("%v after\n%s", err, strings.Join(l.lines, "\n"))
	}
	for i, s := range l.steps {
		if !s.OK || s.Number != i+1 || s.Title == "" || len(s.Said) == 0 {
			t.Errorf("step %d is %+v", i+1, s)
		}
	}
	text := strings.Join(l.lines, "\n")
	if n := strings.Count(text, "✓"); n != 8 || len(l.steps) != n || !strings.Contains(text, "\n\nAll of it held, in ") {
		t.Errorf("%d steps are told in\n%s", len(l.steps), text)
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
	if text := strings.Join(l.lines, "\n"); !strings.Contains(text, "3. Something\n   called        nobody\n   ✗ after ") {
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
