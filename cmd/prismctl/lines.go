package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
)

// A line is one of standard input, without its end.
type line struct {
	number int // from 1
	text   []byte
	err    error
}

// lines reads r line by line, of any length, until its end or that of ctx. A
// read cannot be interrupted: what it still waits for then is left behind.
func lines(ctx context.Context, r io.Reader) iter.Seq[line] {
	return func(yield func(line) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		read := make(chan line)
		go readLines(ctx, r, read)
		for {
			select {
			case l, open := <-read:
				if !open || !yield(l) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func readLines(ctx context.Context, r io.Reader, to chan<- line) {
	defer close(to)
	b := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		text, err := b.ReadBytes('\n')
		if err == io.EOF && len(text) == 0 {
			return
		}
		l := line{number: number, text: bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))}
		if err != nil && err != io.EOF {
			l.err = fmt.Errorf("cannot read standard input: %w", err)
		}
		select {
		case to <- l:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// dataOf returns what an argument says, or for - all of standard input.
func (t *tool) dataOf(ctx context.Context, arg string) ([]byte, error) {
	if arg != "-" {
		return []byte(arg), nil
	}
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(t.in)
		read <- result{text, err}
	}()
	select {
	case r := <-read:
		if r.err != nil {
			return nil, fmt.Errorf("cannot read standard input: %w", r.err)
		}
		return r.text, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
