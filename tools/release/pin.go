package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
)

// pin makes the go.mod and the go.sum in dir those of a release: they require
// the tagged version of each module that was replaced by its folder, as go
// install refuses a module that replaces another.
func pin(ctx context.Context, dir string, tagged []module) error {
	required, edits, err := replaced(ctx, dir, tagged)
	if err != nil || len(required) == 0 {
		return err
	}
	if _, err := (place{dir: dir}).run(ctx, "go", append([]string{"mod", "edit"}, edits...)...); err != nil {
		return err
	}
	return addSums(dir, required)
}

// replaced returns which of the tagged modules the go.mod in dir replaces, and
// the flags of go mod edit that make it require them.
func replaced(ctx context.Context, dir string, tagged []module) (required []module, edits []string, err error) {
	goMod, err := readGoMod(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	for _, replace := range goMod.Replace {
		at := slices.IndexFunc(tagged, func(m module) bool { return m.path() == replace.Old.Path })
		if at < 0 || replace.Old.Version != "" {
			return nil, nil, fmt.Errorf("%s replaces %s, which is not tagged before it: go install would refuse the module", filepath.Join(dir, "go.mod"), replace.Old.Path)
		}
		required = append(required, tagged[at])
		edits = append(edits, "-dropreplace="+replace.Old.Path, "-require="+replace.Old.Path+"@"+tagged[at].version)
	}
	return required, edits, nil
}

// A goMod is what go mod edit -json prints.
type goMod struct {
	Require []struct{ Path, Version string }
	Replace []struct {
		Old struct{ Path, Version string }
	}
}

func readGoMod(ctx context.Context, dir string) (goMod, error) {
	var read goMod
	text, err := place{dir: dir}.run(ctx, "go", "mod", "edit", "-json")
	if err == nil {
		err = json.Unmarshal([]byte(text), &read)
	}
	return read, err
}
