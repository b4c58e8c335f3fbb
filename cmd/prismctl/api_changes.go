package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apisource"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// explainImport says what is wrong with a file, and what to do about a change that breaks
// callers.
func (t *tool) explainImport(err error) error {
	var faulty *admin.FaultyFile
	if errors.As(err, &faulty) && len(faulty.Faults) > 0 {
		for _, f := range faulty.Faults {
			t.notice("%s:%d:%d: %s", f.URL, f.Line, f.Column, f.Text)
		}
	}
	var breaking *admin.BreakingChange
	if errors.As(err, &breaking) {
		t.noticeChanges(breaking.Changes)
		return fmt.Errorf("%w\nTake it nevertheless: prismctl api refresh PREFIX --force", err)
	}
	return err
}

// readServices reads the files with a name, or the one on standard input if it is -.
func (t *tool) readServices(name string) ([]apisource.File, error) {
	if name != "-" {
		return apisource.Read(name)
	}
	file, err := apisource.From("standard input", t.in)
	if err != nil {
		return nil, err
	}
	return []apisource.File{*file}, nil
}

// exitIf is the error of a file that is wrong, on the side of the one who calls.
func exitIf(err error) error {
	if err == nil {
		return nil
	}
	return exit.With(exit.Refused, err)
}

// noticeChanges shows what is different, beside the output.
func (t *tool) noticeChanges(changes []admin.Change) {
	var b bytes.Buffer
	for _, change := range changes {
		mark := "  "
		if change.Breaking {
			mark = "! "
		}
		fmt.Fprintf(&b, "\n%s%s", mark, changeText(change))
	}
	if b.Len() > 0 {
		t.notice("what changes (! breaks callers):%s", b.String())
	}
}

func changeText(c admin.Change) string {
	if c.API == "" {
		return c.Text
	}
	return words.Shown(c.API) + ": " + c.Text
}
