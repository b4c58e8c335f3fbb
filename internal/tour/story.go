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
	shown  string   // of the step
	failed error    // of Line or Step

	engine    *Engine
	made      *madeRecords // of the engine
	registry  *platform.Registry
	cutter    *cutter
	host      *host
	key       platform.Key // of the shop
	client    *prism.Client
	erp       platform.Key // of the application that gets what the shop publishes
	erpClient *prism.Client
	acked     chan struct{} // gets one when the platform has seen acks since it was last asked
	password  string        // of the user, whose name is that of the app
	token     string        // of the user, for the shop
	admin     platform.Key  // of who decides what may be called
}

func (s *story) run(ctx context.Context) error {
	steps := []struct {
		title string
		play  func(context.Context) error
	}{
		{"A platform starts", s.start},
		{"An API is called, signed", s.call},
		{"A user signs in, and an API is called as the user", s.user},
		{"An API is offered, called for the user, limited, and taken back", s.offer},
		{"A shop publishes a message, and another application gets it", s.message},
		{"A handler fails, and its message is tried again", s.failing},
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
	s.said, s.shown = nil, ""
	began := time.Now()
	err := play(ctx)
	took := time.Since(began)
	s.record(Step{number, title, err == nil, took.Seconds(), s.said})
	if err != nil {
		s.write("%d. %s ✗ %.0f ms", number, title, 1000*took.Seconds())
		for _, said := range s.said {
			s.write("   %s", said)
		}
		return fmt.Errorf("step %d of the demo (%s) failed: %w", number, title, err)
	}
	s.write("%d. %s ✓ %.0f ms", number, title, 1000*took.Seconds())
	s.write("   %s", s.shown)
	return s.failed // the rest could not be reported
}

// say reports what was done within a step.
func (s *story) say(done, format string, args ...any) {
	s.said = append(s.said, done+" "+fmt.Sprintf(format, args...))
}

// show sets the line that people see of a step that succeeds, as the whole tour is to fit
// a terminal of 80 columns and 24 lines.
func (s *story) show(format string, args ...any) {
	const room = 80 - len("   ")
	line := []rune(fmt.Sprintf(format, args...))
	if len(line) > room {
		line = append(line[:room-1], '…')
	}
	s.shown = string(line)
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
