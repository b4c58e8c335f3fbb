package main

import (
	"errors"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiDiffCmd struct {
	Old string `is:"file" arg:"" help:"The api.json as it was, or - for that on standard input."`
	New string `is:"file" arg:"" help:"The api.json as it is to be, or -."`
}

// Help teaches by example.
func (*apiDiffCmd) Help() string {
	return `Says what is different in a newer api.json, what breaks first: what calls that worked may not survive, or what the operator of the platform has to do something for. The exit status is 1 if anything breaks.

    prismctl api diff old.json new.json`
}

// Validate is called for the arguments.
func (c *apiDiffCmd) Validate() error {
	if c.Old == "-" && c.New == "-" {
		return errors.New("only one of the files can be on standard input")
	}
	return nil
}

// A changeLine is a change in JSON.
type changeLine struct {
	Breaking bool   `json:"breaking"`
	API      string `json:"api"` // empty if the whole service is meant
	Text     string `json:"text"`
}

// Run compares.
func (c *apiDiffCmd) Run(t *tool) error {
	old, err := t.readService(c.Old)
	if err != nil {
		return err
	}
	new, err := t.readService(c.New)
	if err != nil {
		return err
	}
	changes := apijson.Diff(old.Service, new.Service)
	if err := printEach(changes, t.printChange); err != nil {
		return err
	}
	breaking := 0
	for _, change := range changes {
		if change.Breaking {
			breaking++
		}
	}
	if breaking > 0 {
		return exit.With(exit.Refused, errors.New(words.Counted(breaking, "breaking change", "breaking changes")))
	}
	return nil
}

func (t *tool) printChange(c apijson.Change) error {
	if t.Output == asJSON {
		return t.printJSON(changeLine(c))
	}
	kind, api := "change    ", ""
	if c.Breaking {
		kind = "breaking  "
	}
	if c.API != "" {
		api = words.Shown(c.API) + ": "
	}
	return t.println("%s%s%s", kind, api, c.Text)
}
