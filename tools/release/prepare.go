package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shopex/prism-go"
)

// prepare writes the release with the version into dir, and prints what to do
// with it.
func prepare(ctx context.Context, version, dir string) error {
	root, err := rootFolder(ctx)
	if err != nil {
		return err
	}
	if err := named(version, filepath.Join(root, "CHANGELOG.md")); err != nil {
		return err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		return fmt.Errorf("%s is not empty: name a folder that is empty or does not exist", dir)
	}
	if err := copyCommit(ctx, root, dir); err != nil {
		return err
	}
	modules, err := lay(ctx, dir, version)
	if err == nil {
		fmt.Print(instructions(dir, modules))
	}
	return err
}

func rootFolder(ctx context.Context) (string, error) {
	dir, err := place{}.run(ctx, "go", "list", "-m", "-f", "{{.Dir}}", rootPath)
	return strings.TrimSpace(dir), err
}

// named returns an error unless the constant and the changelog are of this version.
func named(version, changelog string) error {
	if version != "v"+prism.Version {
		return fmt.Errorf("the version %s is not v%s, which is that of the constant prism.Version: give that, or set the constant", version, prism.Version)
	}
	text, err := os.ReadFile(changelog)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == "##" && words[1] == prism.Version && !slices.Contains(words, "(unreleased)") {
			return nil
		}
	}
	return fmt.Errorf("CHANGELOG.md has no chapter %q with its date: write one, or take its \"(unreleased)\" away", "## "+prism.Version)
}

// instructions say how the release in dir becomes tags.
func instructions(dir string, modules []module) string {
	var text strings.Builder
	var tags []string
	fmt.Fprintf(&text, `The release is in %[1]s. Nothing is published. What comes next:

git switch --detach
cp -R %[1]s/. .
git commit -am "Release %[2]s"
`, dir, modules[0].version)
	for _, m := range modules {
		tags = append(tags, m.tag())
		fmt.Fprintf(&text, "git tag %s\n", m.tag())
	}
	fmt.Fprintf(&text, "git push --atomic origin %s\ngit switch -\n", strings.Join(tags, " "))
	return text.String()
}
