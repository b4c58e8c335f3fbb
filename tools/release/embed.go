package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// embed compiles the example of a platform over a directory in a module that
// requires the library and the engine, and looks at what comes with them.
func (t *trial) embed(ctx context.Context) error {
	example, err := os.ReadFile(filepath.Join(t.source(), "platform", "jetstream", "example_platform_test.go"))
	if err != nil {
		return err
	}
	// Not as main, which would take a linker's time.
	program := strings.Replace(string(example), "package jetstream_test", "package shop", 1)
	there := place{filepath.Join(t.dir, "shop"), append(t.env, "GOFLAGS=-modcacherw -mod=mod")}
	if err := write(there.dir, "shop.go", []byte(program), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"mod", "init", "example.com/shop"},
		{"mod", "edit", "-require=" + rootPath + "@" + t.version, "-require=" + rootPath + "/platform/jetstream@" + t.version},
		{"build", "."},
	} {
		if _, err := there.run(ctx, "go", args...); err != nil {
			return err
		}
	}
	list, err := there.run(ctx, "go", "list", "-deps", "-f", "{{with .Module}}{{if .Version}}{{.Path}}{{end}}{{end}}", ".")
	if err != nil {
		return err
	}
	paths := strings.Fields(list)
	slices.Sort(paths)
	return t.onlyOfTheLibrary(ctx, slices.Compact(paths))
}

// onlyOfTheLibrary finds out whether all of paths are modules that the library
// or the engine requires, and none is of the command line.
func (t *trial) onlyOfTheLibrary(ctx context.Context, paths []string) error {
	var allowed []string
	for _, m := range t.modules[:2] {
		goMod, err := readGoMod(ctx, filepath.Join(t.source(), filepath.FromSlash(m.folder)))
		if err != nil {
			return err
		}
		allowed = append(allowed, m.path())
		for _, r := range goMod.Require {
			allowed = append(allowed, r.Path)
		}
	}
	for _, path := range paths {
		if !slices.Contains(allowed, path) {
			return fmt.Errorf("a program that embeds the platform gets %s, which neither the library nor the engine requires", path)
		}
	}
	fmt.Println("it is made of " + strings.Join(paths, ", "))
	return nil
}
