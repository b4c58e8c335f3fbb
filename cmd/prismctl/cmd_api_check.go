package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apifile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiCheckCmd struct {
	Files []string `is:"file" arg:"" name:"file" help:"An api.json, a list of them such as api.txt, a directory, or - for an api.json on standard input."`
}

// Help teaches by example.
func (*apiCheckCmd) Help() string {
	return `Prints a line for each fault, and a warning for what works but is hardly meant. Of a directory, it checks what its api.txt lists, or all files whose names end in .json. Files that a list has by URL are left out. The exit status is 1 if there is a fault.

    prismctl api check api.json
    prismctl api check .`
}

// A faultLine is a fault in JSON.
type faultLine struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // 0 if it is of the whole file
	Column  int    `json:"column"`
	Text    string `json:"text"`
	Warning bool   `json:"warning"`
}

// A checking counts what a check finds.
type checking struct {
	*tool
	files, faults int
	prefixes      map[string]string // and whose they are
}

// Run checks.
func (c *apiCheckCmd) Run(ctx context.Context, t *tool) error {
	k := checking{tool: t, prefixes: map[string]string{}}
	for _, name := range c.Files {
		if err := k.all(ctx, name); err != nil {
			return err
		}
	}
	if k.faults > 0 {
		return exit.With(exit.Refused, fmt.Errorf("%s in %s", words.Counted(k.faults, "fault", "faults"), words.Counted(k.files, "file", "files")))
	}
	return nil
}

func (k *checking) all(ctx context.Context, name string) error {
	if name == "-" {
		text, err := k.readFile(name)
		if err != nil {
			return err
		}
		s, err := apijson.Parse(text)
		return k.one(apifile.Found{Name: name, File: apijson.File{Text: text, Service: s, Err: err}})
	}
	for found := range apifile.Walk(ctx, name, nil) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := k.one(found); err != nil {
			return err
		}
	}
	return nil
}

// one prints what there is to say of a file.
func (k *checking) one(f apifile.Found) error {
	if errors.Is(f.Err, apifile.ErrElsewhere) {
		k.notice("%s: %s", words.Shown(f.Name), f.Err)
		return nil
	}
	k.files++
	if f.Err != nil {
		return k.printFaults(f.Name, f.Err)
	}
	if err := k.print(f.Name, apijson.Warnings(f.Text), true); err != nil {
		return err
	}
	s := f.Service
	if first, taken := k.prefixes[s.Prefix]; taken {
		return k.printFaults(f.Name, apifile.SamePrefix(s.Prefix, first))
	}
	k.prefixes[s.Prefix] = f.Name
	if k.Output == asJSON {
		return nil
	}
	return k.println("%s: good, %s of %s", words.Shown(f.Name), words.Counted(len(s.APIs), "API", "APIs"), s.Prefix)
}

func (k *checking) printFaults(name string, err error) error {
	var faults apijson.Faults
	if !errors.As(err, &faults) {
		faults = apijson.Faults{{Text: err.Error()}}
	}
	k.faults += len(faults)
	return k.print(name, faults, false)
}

func (k *checking) print(name string, faults apijson.Faults, warning bool) error {
	return printEach(faults, func(f apijson.Fault) error {
		if k.Output == asJSON {
			return k.printJSON(faultLine{name, f.Line, f.Column, f.Text, warning})
		}
		place, kind := words.Shown(name), ""
		if f.Line > 0 {
			place = fmt.Sprintf("%s:%d:%d", place, f.Line, f.Column)
		}
		if warning {
			kind = "warning: "
		}
		return k.println("%s: %s%s", place, kind, f.Text)
	})
}
