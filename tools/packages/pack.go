package main

import (
	"bytes"
	"embed"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

var formats = []string{"deb", "rpm"}

// userTool is what brings useradd, for the script after the installation.
var userTool = map[string]string{"deb": "passwd", "rpm": "/usr/sbin/useradd"}

// scripts are run by both formats.
//
//go:embed scripts
var scripts embed.FS

// pack returns the name and the bytes of a package.
func (a *archive) pack(format string) (name string, content []byte, err error) {
	items, err := a.items(format)
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "prismctl-package") // nfpm reads files
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(dir)
	info := a.info(dir)
	info.Depends = []string{userTool[format]}
	if info.Contents, err = a.contents(dir, items); err != nil {
		return "", nil, err
	}
	if err := os.CopyFS(dir, scripts); err != nil {
		return "", nil, err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	err = packager.Package(info, &out)
	return packager.ConventionalFileName(info), out.Bytes(), err
}

// info says what the package is. Its scripts are in dir.
func (a *archive) info(dir string) *nfpm.Info {
	script := func(name string) string { return filepath.Join(dir, "scripts", name) }
	return nfpm.WithDefaults(&nfpm.Info{
		Name: "prismctl", Version: a.version, Arch: a.arch, MTime: a.time,
		Section: "net", Priority: "optional", License: "MIT",
		Maintainer: "The prism-go authors <noreply@prism-go.invalid>", Vendor: "The prism-go authors", Homepage: "https://github.com/shopex/prism-go",
		Description:     "Platform and command line for the ShopEx Prism open platform\nA Prism platform as a service, and a client that calls APIs and publishes,\nconsumes and looks after messages.",
		DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Umask:      0o022,
			Recommends: []string{"ca-certificates"},
			Scripts: nfpm.Scripts{
				PostInstall: script("postinstall.sh"), PreRemove: script("preremove.sh"), PostRemove: script("postremove.sh"),
			},
			RPM: nfpm.RPM{BuildHost: "localhost", Group: "System Environment/Daemons"},
		},
	})
}

// contents brings the items to dir, for nfpm.
func (a *archive) contents(dir string, items []item) (files.Contents, error) {
	var contents files.Contents
	for i, item := range items {
		source := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(source, item.content, 0o600); err != nil {
			return nil, err
		}
		c := &files.Content{Source: source, Destination: item.path, FileInfo: &files.ContentFileInfo{
			Owner: "root", Group: "root", Mode: item.mode(), MTime: a.time, Size: int64(len(item.content)),
		}}
		if item.settings {
			c.Type = files.TypeConfigNoReplace
		}
		contents = append(contents, c)
	}
	for _, dir := range folders(items) {
		contents = append(contents, &files.Content{Destination: dir, Type: files.TypeDir, FileInfo: &files.ContentFileInfo{
			Owner: "root", Group: "root", Mode: fs.ModeDir | 0o755, MTime: a.time,
		}})
	}
	return contents, nil
}

// folders are the directories that no other package has: an rpm removes only those that it
// names.
func folders(items []item) []string {
	var dirs []string
	for _, i := range items {
		for dir := path.Dir(i.path); strings.Contains(dir, "/prism"); dir = path.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func (i item) mode() fs.FileMode {
	if i.executable {
		return 0o755
	}
	return 0o644
}
