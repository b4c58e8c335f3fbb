package main

import (
	"bytes"
	"errors"

	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiFmtCmd struct {
	File  string `is:"file" arg:"" help:"An api.json, or - for that on standard input."`
	Write bool   `short:"w" help:"Write the file in place instead of printing it."`
}

// Help teaches by example.
func (*apiFmtCmd) Help() string {
	return `Writes an api.json in the spellings that every platform reads, with all members. Members that the format does not have are kept.

    prismctl api fmt api.json -w`
}

// Validate is called for the arguments.
func (c *apiFmtCmd) Validate() error {
	if c.Write && c.File == "-" {
		return errors.New("-w needs a file: what is read from standard input is printed")
	}
	return nil
}

// Run formats.
func (c *apiFmtCmd) Run(t *tool) error {
	file, err := t.readService(c.File)
	if err != nil {
		return err
	}
	formatted := file.Service.Format()
	if !c.Write {
		return t.write(formatted)
	}
	if bytes.Equal(file.Text, formatted) {
		return t.printDone(words.Shown(c.File) + " is as it should be")
	}
	if err := files.Replace(c.File, formatted); err != nil {
		return err
	}
	return t.printDone("wrote " + words.Shown(c.File))
}
