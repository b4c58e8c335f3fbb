package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func TestAnArchiveHasAllThatOneNeedsToRunIt(t *testing.T) {
	files, err := documents(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE", "docs/operations.md", "docs/delivery.zh-CN.md",
		"deploy/prismctl.service", "deploy/prismctl.toml",
		"completions/prismctl.bash", "completions/prismctl.zsh", "completions/prismctl.fish", "completions/prismctl.ps1",
	} {
		if !slices.ContainsFunc(files, func(f file) bool { return f.name == want && len(f.content) > 0 }) {
			t.Errorf("%s is not in it", want)
		}
	}
}

func TestLinksWorkWithinTheArchive(t *testing.T) {
	files, err := documents(root)
	if err != nil {
		t.Fatal(err)
	}
	inside, outside := 0, 0
	for _, f := range files {
		if path.Ext(f.name) != ".md" {
			continue
		}
		for _, match := range link.FindAllStringSubmatch(string(f.content), -1) {
			at, _, _ := strings.Cut(match[1], "#")
			switch below, ours := strings.CutPrefix(at, source); {
			case ours:
				outside++
				if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(below))); err != nil {
					t.Errorf("%s: %v", f.name, err)
				}
			case at != "" && !strings.Contains(at, "://"):
				inside++
				if !slices.ContainsFunc(files, func(g file) bool { return g.name == path.Join(path.Dir(f.name), at) }) {
					t.Errorf("%s: %s is not in the archive", f.name, at)
				}
			}
		}
	}
	if inside == 0 || outside == 0 {
		t.Errorf("%d links lead into the archive, and %d to the source", inside, outside)
	}
}

func TestALinkLeadsToTheSourceWhereNoFileIs(t *testing.T) {
	has := func(name string) bool { return name == "docs/push.md" }
	const page = "[a](push.md#x) [b](../DESIGN.md#y) [c](#z) [d](https://example.com/)\n```go\nf[0](x)\n```\n"
	const want = "[a](push.md#x) [b](" + source + "DESIGN.md#y) [c](#z) [d](https://example.com/)\n```go\nf[0](x)\n```\n"
	if got := string(relink("docs/a.md", []byte(page), has)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
