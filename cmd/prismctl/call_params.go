package main

import (
	"net/http"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
)

// parseParams reads name=value arguments.
func parseParams(args []string) (prism.Params, error) {
	params := prism.Params{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, exit.Usagef("%q is no parameter: write name=value, such as topic=orders", arg)
		}
		values, _ := params[name].([]string)
		params[name] = append(values, value)
	}
	return params, nil
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
