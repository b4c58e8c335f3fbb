package jetstream

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shopex/prism-go/internal/lock"
)

var (
	// ErrInUse is returned by [Open] for a Dir that another engine has open. Its
	// text says what to do.
	ErrInUse = errors.New("jetstream: the data directory is in use")
	// ErrNewerVersion is returned by [Open] for a Dir that a newer version of
	// this package has written to. Its text says what to do.
	ErrNewerVersion = errors.New("jetstream: the data directory is of a newer version")
)

// version is the version of what is in Dir. It rises when an older program could not
// read what this one writes: since 3, the log has facts of exchanges, since 5, of attempts
// and parked messages. Before it was 1.
const version = 5

// renewing is the version while the bucket of records is being renewed, before it was 4
// and 2.
// An older program would go on with those records that are back already, and what it
// stores would be lost when the renewal goes on.
const renewing = 6

// checkLinks refuses a directory with symbolic links in it: a user that may write there
// could make this process write to any file. The directory itself may be a link.
func checkLinks(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	return filepath.WalkDir(real, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case entry != nil && entry.IsDir() && entry.Name() == lostAndFound:
			return fs.SkipDir
		case err != nil:
			return fmt.Errorf("jetstream: data directory: %w", err)
		case entry.Type()&fs.ModeSymlink != 0:
			return fmt.Errorf("jetstream: %s is a symbolic link, which a data directory must not have in it: remove it, or link the whole directory", name)
		}
		return nil
	})
}

// lockDir locks dir until the file is closed or the process ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("jetstream: data directory: %w", err)
	}
	locked, err := lock.Try(f)
	switch {
	case err != nil:
		err = fmt.Errorf("jetstream: the data directory %s cannot be locked, choose another: %w", dir, err)
	case !locked:
		err = fmt.Errorf("%w: %s: stop the process that has it, or choose another directory", ErrInUse, dir)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// checkDir refuses a directory that cannot be worked on.
func checkDir(c *Config) error {
	if !c.restoring {
		if err := checkRestored(c.Dir); err != nil {
			return err
		}
	}
	return checkVersion(c)
}

// checkVersion refuses a directory of a newer version. It writes the version
// into one that has none, and into one whose renewal is over.
func checkVersion(c *Config) error {
	name := filepath.Join(c.Dir, "version")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return writeVersion(c.Dir, version)
	}
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	written, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || written < 1 {
		return fmt.Errorf("jetstream: %s should hold the number of a version, but is damaged: write %d into it if that is what wrote the directory", name, version)
	}
	if written > renewing {
		return fmt.Errorf("%w: %s has version %d and this program knows up to %d: run the newer program again, or choose another directory",
			ErrNewerVersion, c.Dir, written, renewing)
	}
	if written == renewing && !exists(savedFile(c)) {
		return writeVersion(c.Dir, version)
	}
	return nil
}

// raiseVersion writes the version into a directory of before, which from now on gets what
// an older program does not know.
func raiseVersion(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "version"))
	if err == nil && strings.TrimSpace(string(text)) == strconv.Itoa(version) {
		return nil
	}
	return writeVersion(dir, version)
}

// writeVersion leaves either the complete file or the one before, after a power
// failure too.
func writeVersion(dir string, number int) error {
	name := filepath.Join(dir, "version")
	half := name + ".new"
	err := writeSynced(half, fmt.Appendln(nil, number))
	if err == nil {
		err = os.Rename(half, name)
	}
	if err == nil {
		err = syncFile(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	return nil
}

func writeSynced(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
