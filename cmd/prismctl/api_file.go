package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apifile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// readFile reads the api.json with this name, or the one on standard input if it is -. Of
// what is too long it reads enough to be refused.
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
	text, err := io.ReadAll(io.LimitReader(from, apijson.MaxSize+1))
	if err != nil {
		return nil, exit.With(exit.Usage, &apifile.Error{Name: name, Err: err})
	}
	return text, nil
}

// readService reads an api.json as readFile does.
func (t *tool) readService(name string) (*apifile.Found, error) {
	text, err := t.readFile(name)
	if err != nil {
		return nil, err
	}
	found := &apifile.Found{Name: name, File: apijson.File{Text: text}}
	if apijson.IsList(text) && name == "-" {
		return nil, exit.Usagef("what is on standard input is a list of files, whose names mean something only where it lies: name its file instead")
	}
	if found.Service, err = apijson.Parse(text); err != nil {
		return nil, wrongFile(&apifile.Error{Name: name, Err: err})
	}
	return found, nil
}

// readServices reads the files with a name: one, or those of a list or a directory.
func (t *tool) readServices(ctx context.Context, name string) ([]apifile.Found, error) {
	if name == "-" {
		one, err := t.readService(name)
		if err != nil {
			return nil, err
		}
		return []apifile.Found{*one}, nil
	}
	files, err := apifile.Read(ctx, name, nil)
	return files, wrongFile(err)
}

// readOne reads the one file that a name stands for.
func (t *tool) readOne(ctx context.Context, name string) (*apifile.Found, error) {
	files, err := t.readServices(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case len(files) > 1:
		return nil, exit.Usagef("%s has several files: name one", words.Shown(name))
	case files[0].Err != nil:
		return nil, exit.Usagef("%s is no file of this machine: \"prismctl api import\" makes the platform fetch an address", words.Shown(files[0].Name))
	}
	return &files[0], nil
}

// wrongFile gives the error of a file its exit status: it has faults, or it is not there.
func wrongFile(err error) error {
	var file *apifile.Error
	var faults apijson.Faults
	switch {
	case errors.As(err, &faults):
		return exit.With(exit.Refused, err)
	case errors.As(err, &file):
		return exit.With(exit.Usage, err)
	}
	return err
}
