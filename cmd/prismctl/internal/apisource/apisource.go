// Package apisource finds and reads the api.json files that a command line names.
package apisource

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

// A File is an api.json that can be read.
type File struct {
	Name    string // as people know it
	Text    []byte
	Service *apijson.Service
}

// IsURL reports whether a name is an address, which somebody has to fetch.
func IsURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}

// Read reads the api.json with this name, or all files of a directory whose names end in
// .json. The error says of a faulty file where each fault is.
func Read(name string) ([]File, error) {
	names := []string{name}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(escaped(name), "*.json")); err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("the directory %s has no file whose name ends in .json", words.Shown(name))
		}
	}
	var files []File
	var faults []error
	for _, name := range names {
		file, err := readOne(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		files = append(files, *file)
	}
	return files, errors.Join(faults...)
}

// escaped is a name in a pattern.
func escaped(name string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(name)
}

func readOne(name string) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return From(name, f)
}

// From reads an api.json that is called name. It has at most
// [platform.MaxServiceFile] bytes.
func From(name string, r io.Reader) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(r, platform.MaxServiceFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", words.Shown(name), err)
	case len(text) > platform.MaxServiceFile:
		return nil, fmt.Errorf("%s has more than %d bytes, and no api.json may", words.Shown(name), platform.MaxServiceFile)
	}
	return Parse(name, text)
}

// Parse reads the text of an api.json that is called name.
func Parse(name string, text []byte) (*File, error) {
	s, err := apijson.Parse(text)
	if err != nil {
		return nil, Faulty(name, err)
	}
	return &File{name, text, s}, nil
}

// Faulty puts the name of a file in front of each of its faults.
func Faulty(name string, err error) error {
	var faults apijson.Faults
	if !errors.As(err, &faults) {
		return fmt.Errorf("%s: %w", words.Shown(name), err)
	}
	all := make([]error, len(faults))
	for i, f := range faults {
		all[i] = fmt.Errorf("%s:%d:%d: %s", words.Shown(name), f.Line, f.Column, f.Text)
	}
	return errors.Join(all...)
}
