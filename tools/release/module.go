package main

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const rootPath = "github.com/shopex/prism-go"

// released are the modules that are tagged, by their folders. Each requires
// only such as are before it, so this is also the order of the tags.
var released = []string{"", "platform/jetstream", "cmd/prismctl", "contrib/otel", "contrib/watermill"}

// A module is one that is released.
type module struct {
	folder  string // in the repository
	version string
	files   []file
}

// A file is one of a module.
type file struct {
	name string // in the module
	path string // where it is now
}

func (m module) path() string { return path.Join(rootPath, m.folder) }

// tag is the name under which the go command looks for the module.
func (m module) tag() string { return path.Join(m.folder, m.version) }

// moduleIn returns the module of a folder of the repository, which is in dir, as
// the go command makes it of a tag: nested modules are no part of it, and the
// licence of the repository is, unless it has its own.
func moduleIn(dir, folder, version string) (module, error) {
	m := module{folder: folder, version: version}
	names, err := filesBelow(filepath.Join(dir, filepath.FromSlash(folder)))
	if err != nil {
		return m, err
	}
	for _, name := range names {
		if strings.HasPrefix(name, "vendor/") || strings.Contains(name, "/vendor/") {
			return m, fmt.Errorf("%s: the go command leaves out vendored packages, which this tool does not know how to: remove the folder", path.Join(folder, name))
		}
		if !nested(name, names) {
			m.files = append(m.files, file{name, filepath.Join(dir, filepath.FromSlash(path.Join(folder, name)))})
		}
	}
	license := file{"LICENSE", filepath.Join(dir, "LICENSE")}
	_, missing := os.Stat(license.path)
	if missing == nil && !slices.ContainsFunc(m.files, func(f file) bool { return f.name == license.name }) {
		m.files = append(m.files, license)
	}
	slices.SortFunc(m.files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return m, nil
}

// nested reports whether the file name is in a module below that of names.
func nested(name string, names []string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if slices.Contains(names, dir+"/go.mod") {
			return true
		}
	}
	return false
}
