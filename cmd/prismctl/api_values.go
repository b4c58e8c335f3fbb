package main

import (
	"io"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
)

// A setting is a name with its value.
type setting struct{ name, value string }

// valuesOf reads NAME=VALUE, NAME=@FILE and NAME=-. Its errors show no value, as it may be
// secret.
func (t *tool) valuesOf(args []string) (pairs []setting, err error) {
	read := false
	for i, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		switch file, isFile := strings.CutPrefix(value, "@"); {
		case !ok || name == "":
			return nil, exit.Usagef("argument %d of the values is none: write NAME=VALUE, NAME=@FILE or NAME=-", i+1)
		case isFile && !strings.HasPrefix(name, "@"):
			value, err = secrets.Read("value", file)
		case value == "-" && read:
			return nil, exit.Usagef("standard input can be one value only")
		case value == "-":
			read = true
			value, err = t.readValue()
		}
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, setting{name, value})
	}
	return pairs, nil
}

// longestValue is more than any value has.
const longestValue = 64 << 10

func (t *tool) readValue() (string, error) {
	text, err := io.ReadAll(io.LimitReader(t.in, longestValue+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > longestValue:
		return "", exit.Usagef("the value on standard input has more than %d bytes", longestValue)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
