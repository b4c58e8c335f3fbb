package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// An archive is one of prismctl for Linux, as tools/dist builds it.
type archive struct {
	version, arch string
	time          time.Time // of all of its files
	files         map[string][]byte
}

// openArchive reads an archive, whose name says what it is of.
func openArchive(path string) (*archive, error) {
	stem := strings.TrimSuffix(filepath.Base(path), ".tar.gz")
	parts := strings.Split(stem, "_")
	if len(parts) != 4 {
		return nil, errors.New("the name is not prismctl_VERSION_linux_ARCH.tar.gz")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	a := &archive{version: parts[1], arch: parts[3], files: map[string][]byte{}}
	return a, a.read(tar.NewReader(plain), stem+"/")
}

// read takes the files below the folder of the archive.
func (a *archive) read(tape *tar.Reader, folder string) error {
	for {
		header, err := tape.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ours := strings.CutPrefix(header.Name, folder)
		if !ours || !filepath.IsLocal(name) {
			return fmt.Errorf("%s is not below %s", header.Name, folder)
		}
		if a.files[name], err = io.ReadAll(tape); err != nil {
			return err
		}
		a.time = header.ModTime
	}
}
