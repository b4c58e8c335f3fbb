package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// An item is a file of a package.
type item struct {
	path       string // in the system
	content    []byte
	executable bool
	settings   bool // kept by an upgrade when the administrator has changed it
}

const (
	documents = "/usr/share/doc/prismctl/"
	settings  = "/etc/prism/prismctl.toml"
)

// A place is where a file of the archive belongs.
type place struct{ name, path string }

// Where each format has the files, beside manual pages and documents.
var places = map[string][]place{
	"deb": append(common, place{"completions/prismctl.zsh", "/usr/share/zsh/vendor-completions/_prismctl"},
		place{"LICENSE", documents + "copyright"}),
	"rpm": append(common, place{"completions/prismctl.zsh", "/usr/share/zsh/site-functions/_prismctl"},
		place{"LICENSE", "/usr/share/licenses/prismctl/LICENSE"},
		place{"LICENSE-THIRD-PARTY", "/usr/share/licenses/prismctl/LICENSE-THIRD-PARTY"}),
}

var common = []place{
	{"prismctl", "/usr/bin/prismctl"},
	{"deploy/prismctl.toml", settings},
	{"deploy/prismctl.service", "/usr/lib/systemd/system/prismctl.service"},
	{"completions/prismctl.bash", "/usr/share/bash-completion/completions/prismctl"},
	{"completions/prismctl.fish", "/usr/share/fish/vendor_completions.d/prismctl.fish"},
}

// items returns the files of a package, in the order of their paths.
func (a *archive) items(format string) ([]item, error) {
	var items []item
	for _, p := range places[format] {
		content, there := a.files[p.name]
		if !there {
			return nil, fmt.Errorf("there is no %s in the archive", p.name)
		}
		i := item{path: p.path, content: content, executable: p.name == "prismctl", settings: p.path == settings}
		if path.Ext(p.name) == ".service" {
			unit, err := packagedUnit(string(content))
			if err != nil {
				return nil, err
			}
			i.content = []byte(unit)
		}
		items = append(items, i)
	}
	pages := 0
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		switch page, isPage := strings.CutPrefix(name, "man/"); {
		case isPage:
			pages++
			items = append(items, item{path: "/usr/share/man/" + page + ".gz", content: compressed(a.files[name])})
		case path.Ext(name) == ".md", strings.HasPrefix(name, "LICENSE"), strings.HasPrefix(name, "deploy/"):
			items = append(items, item{path: documents + name, content: a.files[name]}) // links from page to page work
		}
	}
	if pages == 0 {
		return nil, fmt.Errorf("there are no manual pages in the archive")
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.path, b.path) })
	return items, nil
}

// packagedUnit is the unit of the archive as a package has it: it says nothing of an
// installation by hand, and its user is that of the package.
func packagedUnit(unit string) (string, error) {
	const begin = "# and make apps and keys as the operator:"
	_, rest, found := strings.Cut(unit, begin)
	if !found {
		return "", fmt.Errorf("the unit has no line %q", begin)
	}
	unit = "# A Prism platform for systemd, by the package prismctl. To change it: systemctl edit prismctl\n" +
		"#\n# Make apps and keys as the operator:" + rest
	for _, change := range []struct{ from, to string }{
		{"ExecStart=/usr/local/bin/", "ExecStart=/usr/bin/"},
		{"DynamicUser=yes\n", ""},
	} {
		if strings.Count(unit, change.from) != 1 {
			return "", fmt.Errorf("the unit does not have %q once", change.from)
		}
		unit = strings.Replace(unit, change.from, change.to, 1)
	}
	return unit, nil
}

// compressed is content by gzip, without a name and a time.
func compressed(content []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level exists
	_, _ = w.Write(content)                                 // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
