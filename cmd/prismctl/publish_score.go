package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// A score counts what became of the messages.
type score struct {
	stop context.CancelCauseFunc // of the command

	mu                sync.Mutex // guards what follows
	confirmed, failed int
	first             error // failure
}

// count takes note of one outcome. When the platform no longer knows the key
// there is no use in trying more.
func (s *score) count(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.confirmed++
		return
	}
	s.failed++
	if s.first == nil {
		s.first = err
	}
	var failure *prism.Error
	if errors.As(err, &failure) {
		s.stop(exit.With(exit.Refused, err))
	}
}

// interrupted takes note that not everything was even read.
func (s *score) interrupted(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first = err
	}
}

// tell prints the score and returns the first failure.
func (s *score) tell(t *tool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := words.Counted(s.confirmed, "message", "messages") + " confirmed"
	if s.failed > 0 {
		text += fmt.Sprintf(", %d not", s.failed)
	}
	fmt.Fprintln(t.err, text)
	if t.Output == asJSON {
		tally := struct {
			Confirmed int `json:"confirmed"`
			Failed    int `json:"failed"`
		}{s.confirmed, s.failed}
		if err := t.printJSON(tally); err != nil {
			return err
		}
	}
	return s.first
}
