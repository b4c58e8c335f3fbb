package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// uncache removes the versions of our modules that match the pattern and were
// put there longer ago than age from a module cache.
func uncache(cache, pattern string, age time.Duration) error {
	for _, folder := range released {
		name := filepath.FromSlash(module{folder: folder}.path())
		download := filepath.Join(cache, "cache", "download", name, "@v")
		for _, glob := range []string{filepath.Join(cache, name) + "@" + pattern, filepath.Join(download, pattern+".*")} {
			found, err := filepath.Glob(glob)
			if err != nil {
				return err
			}
			for _, name := range found {
				if err := removeOlder(name, age); err != nil {
					return err
				}
			}
		}
		if err := unlist(download); err != nil {
			return err
		}
	}
	return nil
}

func removeOlder(path string, age time.Duration) error {
	info, err := os.Stat(path)
	if err != nil || time.Since(info.ModTime()) < age {
		return nil // another run has removed it, or uses it
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	removeEmpty(filepath.Dir(path))
	return nil
}

// unlist takes the versions that are not in the folder any more out of its list.
func unlist(download string) error {
	list := filepath.Join(download, "list")
	content, err := os.ReadFile(list)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var left strings.Builder
	for line := range strings.Lines(string(content)) {
		if _, err := os.Stat(filepath.Join(download, strings.TrimSpace(line)+".mod")); err == nil {
			left.WriteString(line)
		}
	}
	if left.Len() > 0 {
		return os.WriteFile(list, []byte(left.String()), 0o644)
	}
	err = os.Remove(list)
	removeEmpty(download)
	return err
}

// removeEmpty removes the folder dir, and those above it, as far as they are
// empty.
func removeEmpty(dir string) {
	for ; os.Remove(dir) == nil; dir = filepath.Dir(dir) {
	}
}
