package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/jetstream"
)

// notOpened says what to do about an engine that does not open.
func notOpened(s *settings.Storage, err error) error {
	if told := known(s, err); told != nil {
		return told
	}
	return &refusal{err, fmt.Sprintf("the messages in %s cannot be opened: %s", s.Where(), withoutPackage(err))}
}

// known returns in the words of this program what the engine says by an error of
// its own, or nil.
func known(s *settings.Storage, err error) error {
	for _, c := range []struct {
		cause error
		text  string
	}{
		{jetstream.ErrInUse, "another program works on %s: stop it, or choose another directory by --data"},
		{jetstream.ErrNewerVersion, "%s was written by a newer prismctl: run that version or a later one"},
		{jetstream.ErrHalfRestored, "a backup was not wholly restored to %s: if nobody is restoring to it now, delete what is in it and restore again"},
		{jetstream.ErrNotEmpty, "there is something in %s: a backup is restored to an empty place only"},
	} {
		if errors.Is(err, c.cause) {
			return &refusal{err, fmt.Sprintf(c.text, s.Where())}
		}
	}
	return nil
}

// withoutPackage is the text of an error without the names of Go packages, and
// without what a program needs to know but nobody else.
func withoutPackage(err error) string {
	text := strings.TrimPrefix(err.Error(), platform.ErrUnavailable.Error()+": ")
	return strings.ReplaceAll(text, "jetstream: ", "")
}

// A refusal is an error of the engine in the words of this program.
type refusal struct {
	err  error
	text string
}

func (r *refusal) Error() string { return r.text }

func (r *refusal) Unwrap() error { return r.err }
