package apifile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

const (
	mostBytes  = 64 << 20 // of the files that are read together
	mostFaulty = 20       // files whose faults are told
)

// Read returns the files of [Walk], which have 64 MiB together at most, and no two of them
// one prefix. Those with [ErrElsewhere] are among them. The error says of the other files
// that have one what is wrong, and is an [*Error] for each.
func Read(ctx context.Context, name string, fetch Fetch) ([]Found, error) {
	return read(ctx, name, fetch, mostBytes)
}

func read(ctx context.Context, name string, fetch Fetch, most int) ([]Found, error) {
	var files []Found
	var wrong []error
	size, names := 0, map[string]string{} // by prefix
	for f := range Walk(ctx, name, fetch) {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case len(wrong) == mostFaulty:
			return nil, errors.Join(append(wrong, errors.New("the files behind these were not read"))...)
		case errors.Is(f.Err, ErrElsewhere):
			files = append(files, f)
			continue
		case f.Err != nil:
			wrong = append(wrong, &Error{f.Name, f.Err})
			continue
		}
		if size += len(f.Text); size > most {
			return nil, &Error{name, fmt.Errorf("the files have more than %d MiB together: name them one by one", most>>20)}
		}
		if first, taken := names[f.Service.Prefix]; taken {
			wrong = append(wrong, &Error{f.Name, SamePrefix(f.Service.Prefix, first)})
		}
		names[f.Service.Prefix] = f.Name
		files = append(files, f)
	}
	if len(files) == 0 && wrong == nil {
		return nil, &Error{name, errors.New("the list names no file")}
	}
	return files, errors.Join(wrong...)
}

// SamePrefix is the error of a file with the prefix of another one.
func SamePrefix(prefix, other string) error {
	return fmt.Errorf("the prefix %s is that of %s, too: write another one", prefix, words.Shown(other))
}

// An Error is what is wrong with a file.
type Error struct {
	Name string // of the file
	Err  error  // [apijson.Faults], or why it cannot be read
}

// Error has a line for each fault, and in it its place.
func (e *Error) Error() string {
	name := words.Shown(e.Name)
	var faults apijson.Faults
	if !errors.As(e.Err, &faults) {
		return name + ": " + e.Err.Error()
	}
	lines := make([]string, len(faults))
	for i, f := range faults {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", name, f.Line, f.Column, f.Text)
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
