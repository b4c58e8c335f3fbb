package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sums returns the two lines of the module for a go.sum.
func (m module) sums() ([]string, error) {
	all, err := hash(m.files, m.path()+"@"+m.version+"/")
	if err != nil {
		return nil, err
	}
	goMod := slices.DeleteFunc(slices.Clone(m.files), func(f file) bool { return f.name != "go.mod" })
	one, err := hash(goMod, "")
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("%s %s %s", m.path(), m.version, all),
		fmt.Sprintf("%s %s/go.mod %s", m.path(), m.version, one),
	}, nil
}

// hash is what the go command calls h1. The files are sorted.
func hash(files []file, prefix string) (string, error) {
	sum := sha256.New()
	for _, f := range files {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%x  %s%s\n", sha256.Sum256(content), prefix, f.name)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(sum.Sum(nil)), nil
}

// addSums adds the lines of required modules to the go.sum of dir, where the go
// command would put them.
func addSums(dir string, required []module) error {
	path := filepath.Join(dir, "go.sum")
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := slices.Collect(strings.Lines(string(content)))
	for _, m := range required {
		sums, err := m.sums()
		if err != nil {
			return err
		}
		for _, line := range sums {
			lines = append(lines, line+"\n")
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0])
	})
	return os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644)
}
