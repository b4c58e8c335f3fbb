package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestManualPagesAreInTheirFolderInOrder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"prismctl.1", "prismctl-queue.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := pagesIn(dir)
	if err != nil || len(pages) != 2 || pages[0].name != "man/man1/prismctl-queue.1" || pages[1].name != "man/man1/prismctl.1" || string(pages[1].content) != "prismctl.1" {
		t.Errorf("%+v, %v", pages, err)
	}
}
