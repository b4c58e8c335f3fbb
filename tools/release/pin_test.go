package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheTaggedVersionIsRequiredInPlaceOfTheFolder(t *testing.T) {
	dir := lie(t, map[string]string{
		"root/go.mod":   sample["go.mod"],
		"engine/go.mod": sample["platform/jetstream/go.mod"],
		"engine/go.sum": "a.example/a v0.9.0 h1:x=\na.example/a v0.10.0 h1:x=\nz.example/z v1.0.0 h1:x=\n",
	})
	root, err := moduleIn(filepath.Join(dir, "root"), "", "v0.3.0")
	if err != nil {
		t.Fatal(err)
	}
	engine := filepath.Join(dir, "engine")
	if err := pin(t.Context(), engine, []module{root}); err != nil {
		t.Fatal(err)
	}
	goMod, _ := os.ReadFile(filepath.Join(engine, "go.mod"))
	want := `module github.com/shopex/prism-go/platform/jetstream

go 1.26.0

// The library, which has no dependencies here.
require github.com/shopex/prism-go v0.3.0
`
	if string(goMod) != want {
		t.Errorf("go.mod is\n%s, want\n%s", goMod, want)
	}
	goSum, _ := os.ReadFile(filepath.Join(engine, "go.sum"))
	lines := strings.Split(string(goSum), "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[1], "a.example/a v0.10.0 ") ||
		!strings.HasPrefix(lines[2], rootPath+" v0.3.0 h1:") || !strings.HasPrefix(lines[3], rootPath+" v0.3.0/go.mod h1:") ||
		!strings.HasPrefix(lines[4], "z.example/z ") {
		t.Errorf("go.sum is\n%s", goSum)
	}
}

func TestAReplaceThatTheTagsDoNotEndIsRefused(t *testing.T) {
	for _, replace := range []string{
		"example.com/other => ../other",
		rootPath + "/cmd/prismctl => ../prismctl", // tagged later
		rootPath + " v0.0.0 => ../..",             // may be one of several
	} {
		dir := lie(t, map[string]string{"go.mod": "module x\n\nreplace " + replace + "\n", "go.sum": ""})
		path, _, _ := strings.Cut(replace, " ")
		err := pin(t.Context(), dir, []module{{version: "v0.3.0"}})
		if err == nil || !strings.Contains(err.Error(), "replaces "+path) {
			t.Errorf("%s: %v", replace, err)
		}
	}
}
