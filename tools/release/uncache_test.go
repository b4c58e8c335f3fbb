package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestNothingOfACheckStaysInTheModuleCache(t *testing.T) {
	const downloads = "cache/download/github.com/shopex/prism-go/"
	cache := lie(t, map[string]string{
		"github.com/shopex/prism-go@v0.1.0-check.1/prism.go":                "",
		"github.com/shopex/prism-go/cmd/prismctl@v0.1.0-check.1/sub/sub.go": "",
		downloads + "@v/v0.1.0-check.1.zip":                                 "",
		downloads + "@v/v0.1.0-check.1.mod":                                 "",
		downloads + "@v/list":                                               "v0.0.9\nv0.1.0-check.1\n",
		downloads + "cmd/prismctl/@v/v0.1.0-check.1.mod":                    "",
		downloads + "cmd/prismctl/@v/list":                                  "v0.1.0-check.1\n",

		"github.com/shopex/prism-go@v0.0.9/prism.go": "",
		downloads + "@v/v0.0.9.mod":                  "",
	})
	if err := uncache(cache, "v*"+mark+"*", time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(cache, "github.com/shopex/prism-go@v0.1.0-check.1")); err != nil {
		t.Errorf("what another check uses now: %v", err)
	}
	if err := uncache(cache, "v0.1.0-check.1", 0); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, cache, "github.com/shopex/prism-go@v0.0.9/prism.go", downloads+"@v/v0.0.9.mod", downloads+"@v/list")
	if list, _ := os.ReadFile(filepath.Join(cache, downloads, "@v", "list")); string(list) != "v0.0.9\n" {
		t.Errorf("the list has %q", list)
	}
	for _, name := range []string{"github.com/shopex/prism-go/cmd", downloads + "cmd"} {
		if _, err := os.Stat(filepath.Join(cache, name)); !os.IsNotExist(err) {
			t.Errorf("an empty folder stays: %s", name)
		}
	}
}
