package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// explainImport says what the platform has found wrong with a file.
func (t *tool) explainImport(err error) error {
	var faulty *admin.FaultyFile
	if errors.As(err, &faulty) && len(faulty.Faults) > 0 {
		for _, f := range faulty.Faults {
			t.notice("%s:%d:%d: %s", f.URL, f.Line, f.Column, f.Text)
		}
	}
	return err
}

// agreed makes a change of services. One that breaks callers it makes only if the user
// agrees.
func (t *tool) agreed(ctx context.Context, change func(force bool) error) error {
	err := change(false)
	var breaking *admin.BreakingChange
	if !errors.As(err, &breaking) {
		return err
	}
	t.noticeChanges(breaking.Changes)
	switch asked := t.confirm(ctx, "Take it nevertheless? [y/N] "); {
	case errors.Is(asked, errNobodyAsked):
		return fmt.Errorf("%w\nTake it nevertheless: --force", err)
	case asked != nil:
		return asked
	}
	return change(true)
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
