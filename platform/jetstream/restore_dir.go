package jetstream

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// ErrHalfRestored is returned by [Open] for a place to which a backup is being
// restored, or was until that was cut short. Its text says what to do.
var ErrHalfRestored = errors.New("jetstream: a backup is not wholly restored")

const (
	// restoringMark names a file in a directory that is not completely restored.
	restoringMark = "restoring"
	// lostAndFound names a directory that some file systems have in their root.
	lostAndFound = "lost+found"
)

// A target is a directory to which a backup is being restored. It may be a mount
// point, or lie where no other directory can be made, so the files are restored in
// place, and a mark says that they are not complete.
type target struct {
	given string
	dir   string // the same without symbolic links
	made  string // the topmost directory that was made for it, or ""
}

// claimTarget marks dir, which must be empty. If it does not exist, claimTarget makes
// it.
func claimTarget(dir string) (*target, error) {
	t := &target{given: filepath.Clean(dir), made: topmostMissing(dir)}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		t.dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		t.removeMade()
		return nil, fmt.Errorf("jetstream: data directory: %w", err)
	}
	if err := t.mark(); err != nil {
		t.removeMade()
		return nil, err
	}
	return t, nil
}

// mark makes the mark, and then checks again that the directory is empty. An engine
// that opens it at the same time makes its lock first and then checks for the mark, so
// at least one of them sees the other.
func (t *target) mark() error {
	if err := t.empty(); err != nil {
		return err
	}
	name := filepath.Join(t.dir, restoringMark)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return halfRestored(t.dir)
	}
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	if err := errors.Join(f.Close(), syncFile(name), syncFile(t.dir), t.empty(restoringMark)); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// empty returns an error if the directory has other entries than those expected.
func (t *target) empty(expected ...string) error {
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	if len(expected) == 0 {
		if err := checkRestored(t.dir); err != nil {
			return err
		}
	}
	expected = append(expected, lostAndFound)
	for _, entry := range entries {
		if !slices.Contains(expected, entry.Name()) {
			return fmt.Errorf("%w: %s has files", ErrNotEmpty, t.given)
		}
	}
	return nil
}

// finish removes the mark when everything is on the disk.
func (t *target) finish() error {
	err := syncAll(t.dir)
	if err == nil {
		err = errors.Join(os.Remove(filepath.Join(t.dir, restoringMark)), syncFile(t.dir))
	}
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	return nil
}

// clear removes the restored files, and the mark last.
func (t *target) clear() error {
	entries, err := os.ReadDir(t.dir)
	for _, entry := range entries {
		if name := entry.Name(); name != lostAndFound && name != restoringMark {
			err = errors.Join(err, os.RemoveAll(filepath.Join(t.dir, name)))
		}
	}
	if err == nil {
		err = os.Remove(filepath.Join(t.dir, restoringMark))
	}
	if err != nil {
		return fmt.Errorf("jetstream: what was restored is still there: %w", err)
	}
	t.removeMade()
	return nil
}

// removeMade removes the directories that were made, unless another process has put
// files into them.
func (t *target) removeMade() {
	for dir := t.given; t.made != "" && os.Remove(dir) == nil && dir != t.made; dir = filepath.Dir(dir) {
	}
}

func topmostMissing(dir string) (missing string) {
	for dir = filepath.Clean(dir); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			return missing
		}
		missing = dir
	}
}

// syncAll syncs a directory and the files in it. A socket, such as a process leaves that
// was killed, cannot be opened.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == lostAndFound {
			return fs.SkipDir
		}
		if entry != nil && entry.Type()&(fs.ModeSocket|fs.ModeNamedPipe|fs.ModeDevice) != 0 {
			return err
		}
		return errors.Join(err, syncFile(name))
	})
}

// syncFile syncs a file or a directory. On Windows it does nothing, as a file that is
// not open for writing cannot be synced there.
func syncFile(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// checkRestored refuses a directory that has the mark.
func checkRestored(dir string) error {
	_, err := os.Lstat(filepath.Join(dir, restoringMark))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	return halfRestored(dir)
}

func halfRestored(dir string) error {
	return fmt.Errorf("%w: %s: if nobody is restoring to it now, delete what is in it and restore again", ErrHalfRestored, dir)
}
