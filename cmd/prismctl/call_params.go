package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// paramsOf reads name=value arguments.
func (t *tool) paramsOf(ctx context.Context, args []string) (prism.Params, error) {
	params := prism.Params{}
	read := false // of standard input
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, exit.Usagef("%q is no parameter: write name=value, such as topic=orders", arg)
		}
		if value == "@-" && read {
			return nil, exit.Usagef("only one parameter can be read from standard input, and %s is another one", words.Shown(name))
		}
		read = read || value == "@-"
		value, err := t.valueOf(ctx, value)
		if err != nil {
			return nil, exit.Usagef("parameter %s: %w", words.Shown(name), err)
		}
		values, _ := params[name].([]string)
		params[name] = append(values, value)
	}
	return params, nil
}

// valueOf returns the value of a parameter: what a file has behind @.
func (t *tool) valueOf(ctx context.Context, value string) (string, error) {
	file, named := strings.CutPrefix(value, "@")
	switch {
	case !named:
		return value, nil
	case strings.HasPrefix(file, "@"):
		return file, nil
	case file == "":
		return "", errors.New("there is no file behind @: write @@ for a text that is one @")
	case file == "-":
		text, err := t.dataOf(ctx, "-")
		return string(text), err
	}
	text, err := os.ReadFile(files.AtHome(file))
	return string(text), err
}

// parseHeader reads 'Name: value' arguments.
func parseHeader(args []string) (http.Header, error) {
	header := http.Header{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, exit.Usagef("%q is no header: write -H 'X-Api-Name: value'", arg)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	return header, nil
}
