package main

import (
	"fmt"
	"io"
	"os"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apisource"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// longestAPIFile is more than any api.json has.
const longestAPIFile = 16 << 20

// readService reads an api.json, of standard input if its name is -.
func (t *tool) readService(name string) (*apijson.Service, error) {
	text, err := t.readFile(name)
	if err != nil {
		return nil, err
	}
	s, err := apijson.Parse(text)
	if err != nil {
		return nil, apisource.Faulty(name, err)
	}
	return s, nil
}

// readFile reads a file that is not too long, of standard input if its name is -.
func (t *tool) readFile(name string) ([]byte, error) {
	from := t.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, exit.With(exit.Usage, err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, longestAPIFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > longestAPIFile:
		return nil, fmt.Errorf("%s has more than %d MiB", words.Shown(name), longestAPIFile>>20)
	}
	return text, nil
}
