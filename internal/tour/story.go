package tour

import (
	"context"
	"fmt"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
)

// A story is the state of a tour.
type story struct {
	Config
	said   []string // within the step
	failed error    // of Line or Step

	engine    *Engine
	registry  *platform.Registry
	cutter    *cutter
	host      *host
	key       platform.Key // of the shop
	client    *prism.Client
	erp       platform.Key // of the application that gets what the shop publishes
	erpClient *prism.Client
	acked     chan struct{} // gets one when the platform has seen acks since it was last asked
	password  string        // of the user, whose name is that of the app
}

func (s *story) run(ctx context.Context) error {
	steps := []struct {
		title string
		play  func(context.Context) error
	}{
		{"A platform starts", s.start},
		{"An API is called, signed", s.call},
		{"A user signs in, and an API is called as the user", s.user},
		{"A shop publishes a message, and another application consumes and acknowledges it", s.message},
		{"A handler fails and its message is tried again", s.failing},
		{"Connections are cut in the middle, and nothing is lost", s.cutting},
		{"A wrong secret is refused, and the refusal explains itself", s.refusal},
		{"It ends with care for what is under way", s.ending},
	}
	for i, step := range steps {
		if err := s.step(ctx, i+1, step.title, step.play); err != nil {
			return err
		}
	}
	return nil
}

// step runs one step and reports its result.
func (s *story) step(ctx context.Context, number int, title string, play func(context.Context) error) error {
	s.write("\n%d. %s", number, title)
	s.said = nil
	began := time.Now()
	err := play(ctx)
	took := time.Since(began)
	s.record(Step{number, title, err == nil, took.Seconds(), s.said})
	if err != nil {
		s.write("   ✗ after %.1f ms", 1000*took.Seconds())
		return fmt.Errorf("step %d of the demo (%s) failed: %w", number, title, err)
	}
	s.write("   ✓ %.1f ms", 1000*took.Seconds())
	return s.failed // the rest could not be reported
}

// say reports what was done within a step.
func (s *story) say(done, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.said = append(s.said, done+" "+text)
	s.write("   %-12s  %s", done, text)
}

func (s *story) write(format string, args ...any) {
	if s.Line != nil && s.failed == nil {
		s.failed = s.Line(fmt.Sprintf(format, args...))
	}
}

func (s *story) record(step Step) {
	if s.Step != nil && s.failed == nil {
		s.failed = s.Step(step)
	}
}
