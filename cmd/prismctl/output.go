package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/internal/printable"
)

// format is how a command prints; empty lets the command choose.
type format string

const (
	asText format = "text"
	asJSON format = "json"
)

// UnmarshalText is called for the flag --output.
func (f *format) UnmarshalText(text []byte) error {
	switch *f = format(text); *f {
	case asText, asJSON:
		return nil
	}
	return fmt.Errorf("%q is no format: use text or json", text)
}

// or returns f, or what a command chooses if it was not given.
func (f format) or(choice format) format {
	if f == "" {
		return choice
	}
	return f
}

// println writes one line to standard output, in one write.
func (t *tool) println(format string, args ...any) error {
	return t.write(append(fmt.Appendf(nil, format, args...), '\n'))
}

// write writes bytes as they are, but to a terminal nothing that it would obey or
// that nobody sees.
func (t *tool) write(b []byte) error {
	if t.screen {
		b = []byte(printable.Lines(string(b)))
	}
	_, err := t.out.Write(b)
	return unwritten(err)
}

// unwritten is the error of a command whose output could not be written, though
// the rest of it was done.
func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return exit.With(exit.Refused, fmt.Errorf("cannot write to standard output: %w", err))
}

// printJSON writes v as one line.
func (t *tool) printJSON(v any) error {
	line, err := jsonLine(v)
	if err != nil {
		return err
	}
	return t.write(line)
}

// printDone says what was done, or true for programs.
func (t *tool) printDone(text string) error {
	if t.Output == asJSON {
		return t.printJSON(true)
	}
	return t.println("%s", text)
}

// jsonLine leaves <, > and & as they are: the output is no web page.
func jsonLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// terminal reports whether a stream is one, and which.
func terminal(stream any) (fd int, ok bool) {
	f, ok := stream.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// printBody writes a body as it is; only a terminal gets the newline that it
// may lack.
func (t *tool) printBody(body []byte) error {
	if t.screen && len(body) > 0 && body[len(body)-1] != '\n' {
		body = append(body, '\n')
	}
	return t.write(body)
}

// printEach prints until something cannot be printed.
func printEach[T any](all []T, print func(T) error) error {
	for _, one := range all {
		if err := print(one); err != nil {
			return err
		}
	}
	return nil
}
