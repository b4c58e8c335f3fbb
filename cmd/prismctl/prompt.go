package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/term"
)

// askSecret asks for the secret on the terminal fd, without echo. When ctx ends
// it makes the terminal usable again; the read goes on until the process ends.
func (t *tool) askSecret(ctx context.Context, fd int) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("cannot ask for the secret: %w", err)
	}
	fmt.Fprint(t.err, "Secret (not shown): ")
	defer fmt.Fprintln(t.err)
	type result struct {
		secret []byte
		err    error
	}
	typed := make(chan result, 1)
	go func() {
		secret, err := term.ReadPassword(fd)
		typed <- result{secret, err}
	}()
	select {
	case r := <-typed:
		if r.err == nil && len(r.secret) == 0 {
			r.err = errors.New("it is empty")
		}
		if r.err != nil {
			return "", usage("no secret was typed: %w", r.err)
		}
		return string(r.secret), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", ctx.Err()
	}
}
