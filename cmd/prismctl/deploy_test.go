package main

import (
	"os"
	"path/filepath"
	"testing"
)

// project returns the text of a file of the project.
func project(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
