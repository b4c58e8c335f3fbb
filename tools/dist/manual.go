package main

import (
	"os"
	"path/filepath"
)

// manual returns the manual pages, which prismctl writes by the model of its help. This
// machine runs it for all targets.
func manual() ([]file, error) {
	dir, err := os.MkdirTemp("", "prismctl")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := []string{"go", "run", "./" + command}
	if *binary != "" {
		program = []string{*binary}
	}
	if _, err := output(nil, program[0], append(program[1:], "__manual", dir, stamp.Format("2006-01-02"))...); err != nil {
		return nil, err
	}
	return pagesIn(dir)
}

// pagesIn returns the files of a directory as they belong into an archive.
func pagesIn(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir) // in the order of their names
	if err != nil {
		return nil, err
	}
	var pages []file
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		pages = append(pages, file{name: "man/man1/" + entry.Name(), content: content})
	}
	return pages, nil
}
