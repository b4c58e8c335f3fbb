package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// sample is a repository like ours.
var sample = map[string]string{
	"go.mod":         "module github.com/shopex/prism-go\n\ngo 1.26.0\n",
	"go.sum":         "",
	"LICENSE":        "do as you like\n",
	"prism.go":       "package prism\n",
	"sign/sign.go":   "package sign\n",
	".hidden":        "x",
	".gitignore":     "/bin/\n",
	"docs/cr.txt":    "one\r\ntwo\r\n",
	"platform/p.go":  "package platform\n",
	"go.work":        "go 1.26.0\n",
	"bench/go.mod":   "module github.com/shopex/prism-go/bench\n",
	"bench/bench.go": "package bench\n",

	"platform/jetstream/go.mod": `module github.com/shopex/prism-go/platform/jetstream

go 1.26.0

// The library, which has no dependencies here.
require github.com/shopex/prism-go v0.0.0

replace github.com/shopex/prism-go => ../..
`,
	"platform/jetstream/go.sum":       "",
	"platform/jetstream/jetstream.go": "package jetstream\n\nimport _ \"github.com/shopex/prism-go/sign\"\n",

	"contrib/otel/go.mod": `module github.com/shopex/prism-go/contrib/otel

go 1.26.0

require github.com/shopex/prism-go v0.0.0

replace github.com/shopex/prism-go => ../..
`,
	"contrib/otel/go.sum": "",
	"contrib/otel/it.go":  "package it\n\nimport _ \"github.com/shopex/prism-go/sign\"\n",

	"contrib/watermill/go.mod": `module github.com/shopex/prism-go/contrib/watermill

go 1.26.0

require github.com/shopex/prism-go v0.0.0

replace github.com/shopex/prism-go => ../..
`,
	"contrib/watermill/go.sum": "",
	"contrib/watermill/it.go":  "package it\n\nimport _ \"github.com/shopex/prism-go/sign\"\n",

	"cmd/prismctl/go.mod": `module github.com/shopex/prism-go/cmd/prismctl

go 1.26.0

require (
	github.com/shopex/prism-go v0.0.0
	github.com/shopex/prism-go/platform/jetstream v0.0.0
)

replace github.com/shopex/prism-go => ../..

replace github.com/shopex/prism-go/platform/jetstream => ../../platform/jetstream
`,
	"cmd/prismctl/go.sum":     "",
	"cmd/prismctl/LICENSE":    "its own\n",
	"cmd/prismctl/main.go":    "package main\n\nimport _ \"github.com/shopex/prism-go/platform/jetstream\"\n\nfunc main() {}\n",
	"cmd/prismctl/lab/go.mod": "module github.com/shopex/prism-go/cmd/prismctl/lab\n",
	"cmd/prismctl/lab/lab.go": "package lab\n",
}

// lie writes files into a new folder, and returns that.
func lie(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := write(dir, name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// commit makes a clone of the sample.
func commit(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("without git there is no tag: ", err)
	}
	dir := lie(t, sample)
	if err := os.Symlink("LICENSE", filepath.Join(dir, "link")); err != nil {
		t.Log("without a symbolic link: ", err)
	}
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "all")
	return dir
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	env := []string{
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
	}
	if _, err := (place{dir, env}).run(t.Context(), "git", args...); err != nil {
		t.Fatal(err)
	}
}

// wantFiles fails unless the files below dir have these names.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	got, err := filesBelow(dir)
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// except returns the names of the sample without some of them.
func except(names ...string) []string {
	return slices.DeleteFunc(slices.Collect(maps.Keys(sample)), func(name string) bool { return slices.Contains(names, name) })
}

func names(m module) (names []string) {
	for _, f := range m.files {
		names = append(names, f.name)
	}
	return names
}
