package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/notify"
)

// A score counts what became of the messages.
type score struct {
	stop context.CancelCauseFunc // of the command

	mu                       sync.Mutex // guards what follows
	begun, confirmed, failed int
	first                    error // failure
}

// begin takes note of a message before it is sent.
func (s *score) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
}

// quiet is tell, which takes the error of a lost connection, without those that ended
// because a message was refused: the publisher looks which one it is, and count learns it.
func (s *score) quiet(tell func(error)) func(error) {
	return func(err error) {
		s.mu.Lock()
		waiting := s.begun > s.confirmed+s.failed
		s.mu.Unlock()
		var closed *socket.CloseError
		if !waiting || !errors.As(err, &closed) || !ofMessage(closed.Code) {
			tell(err)
		}
	}
}

// ofMessage reports whether a platform closes a channel with code because of a message.
func ofMessage(code socket.Code) bool {
	switch code {
	case socket.ProtocolFault, socket.UnsupportedData, socket.InvalidPayload, socket.PolicyViolation, socket.MessageTooBig:
		return true
	}
	return false
}

// count takes note of one outcome. When the platform no longer knows the key, or the app
// may not publish the routing key, which all messages have, there is no use in trying more.
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
	var refused *notify.RefusedError
	if errors.As(err, &failure) || errors.As(err, &refused) && refused.Code == int(socket.PolicyViolation) {
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
	if s.begun != 1 || s.confirmed > 0 { // else the failure says it
		text := words.Counted(s.confirmed, "message", "messages") + " confirmed"
		if s.failed > 0 {
			text += fmt.Sprintf(", %d not", s.failed)
		}
		fmt.Fprintln(t.err, text)
	}
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
