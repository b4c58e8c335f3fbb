package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// lay makes a release of the repository in dir: the modules as they are tagged
// with the version, and nothing else.
func lay(ctx context.Context, dir, version string) ([]module, error) {
	var modules []module
	for _, folder := range released {
		if err := pin(ctx, filepath.Join(dir, filepath.FromSlash(folder)), modules); err != nil {
			return nil, err
		}
		m, err := moduleIn(dir, folder, version)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(m.files, func(f file) bool { return f.name == "go.mod" }) {
			return nil, fmt.Errorf("%s has no go.mod, but is to be released", path.Join(".", folder))
		}
		modules = append(modules, m)
	}
	return modules, removeOthers(dir, modules)
}

// removeOthers removes the files in dir that belong to no module.
func removeOthers(dir string, modules []module) error {
	ours := map[string]bool{}
	for _, m := range modules {
		for _, f := range m.files {
			ours[f.path] = true
		}
	}
	names, err := filesBelow(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if ours[path] {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		removeEmpty(filepath.Dir(path))
	}
	return nil
}
