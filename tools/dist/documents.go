package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/shopex/prism-go"
)

// source is where the files of this version are that are in no archive.
const source = "https://" + module + "/blob/v" + prism.Version + "/"

// papers go into each archive: files of the repository, by patterns, and the
// folders where they are in the archive.
var papers = []struct{ pattern, folder string }{
	{"README*.md", ""},
	{"CHANGELOG.md", ""},
	{"LICENSE", ""},
	{"docs/*.md", "docs"},
	{"deploy/prismctl.*", "deploy"}, // the unit of systemd and the settings
	{"cmd/prismctl/internal/completion/scripts/*", "completions"},
}

// documents returns them from the repository in root, with links that work there.
func documents(root string) ([]file, error) {
	var files []file
	for _, p := range papers {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(p.pattern))) // in the order of their names
		if err != nil {
			return nil, err
		}
		for _, name := range paths {
			content, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			files = append(files, file{name: path.Join(p.folder, filepath.Base(name)), content: content})
		}
	}
	has := func(name string) bool { return slices.ContainsFunc(files, func(f file) bool { return f.name == name }) }
	for i, f := range files {
		if path.Ext(f.name) == ".md" {
			files[i].content = relink(f.name, f.content, has)
		}
	}
	return files, nil
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// relink has the links of a page that is called name lead to the source where they lead to
// no file of the archive. Code stays as it is.
func relink(name string, page []byte, has func(name string) bool) []byte {
	var out bytes.Buffer
	code := false
	for line := range bytes.Lines(page) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("```")) {
			code = !code
		}
		if !code {
			line = link.ReplaceAllFunc(line, func(match []byte) []byte {
				return []byte("](" + linked(name, string(match[2:len(match)-1]), has) + ")")
			})
		}
		out.Write(line)
	}
	return out.Bytes()
}

// linked returns where a link of the page name has to lead.
func linked(name, to string, has func(name string) bool) string {
	at, _, _ := strings.Cut(to, "#")
	if at == "" || strings.Contains(to, ":") || has(path.Join(path.Dir(name), at)) {
		return to
	}
	return source + path.Join(path.Dir(name), to)
}
