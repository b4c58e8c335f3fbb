package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/shopex/prism-go/internal/lock"
)

// Replace writes a file that only its owner can read.
func Replace(name string, text []byte) error {
	return ReplaceBy(name, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// ReplaceBy lets write make a file that only its owner can read. It has the
// name when it is whole and on the disk. A name by which something else is there,
// such as a pipe, is written to straight, and a symbolic link stays.
func ReplaceBy(name string, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeTo(name, write)
	}
	name, err := followed(name)
	if err != nil {
		return err
	}
	removeAbandoned(name)
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new-*") // with mode 0600
	if err != nil {
		return err
	}
	_, _ = lock.Try(f)
	err = write(f)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// removeAbandoned removes what a killed process has left of a new file with this
// name: nobody has it locked.
func removeAbandoned(name string) {
	left, _ := filepath.Glob(globEscape.Replace(name) + ".new-*")
	for _, half := range left {
		f, err := os.OpenFile(half, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		abandoned, err := lock.Try(f)
		_ = f.Close()
		if abandoned && err == nil {
			_ = os.Remove(half)
		}
	}
}

var globEscape = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`)

// writeTo lets write fill what is there.
func writeTo(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// followed returns where symbolic links lead to, though nothing may be there yet.
func followed(name string) (string, error) {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(name)
		if err != nil {
			return name, nil // it is no link
		}
		if !filepath.IsAbs(to) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(name))
			if err != nil {
				return "", err
			}
			to = filepath.Join(dir, to)
		}
		name = to
	}
	return "", fmt.Errorf("%s leads through too many symbolic links", name)
}
