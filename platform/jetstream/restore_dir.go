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
	// restoringMark is a file in a directory that is not wholly restored.
	restoringMark = "restoring"
	// lostAndFound is in the root of each volume of some file systems.
	lostAndFound = "lost+found"
)

// A site is a directory to which a backup is being restored. It may be a mount
// point, or lie where nothing can be made beside it, so what is restored lies in
// it from the beginning, under a mark.
type site struct {
	given string
	dir   string // that without symbolic links
	made  string // the topmost directory that was made for it, or ""
}

// takeSite marks dir, which must be empty, and is made if it is not there.
func takeSite(dir string) (*site, error) {
	s := &site{given: filepath.Clean(dir), made: topmostMissing(dir)}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		s.dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		s.unmake()
		return nil, fmt.Errorf("jetstream: data directory: %w", err)
	}
	if err := s.mark(); err != nil {
		s.unmake()
		return nil, err
	}
	return s, nil
}

// mark looks once more when the mark is there: an engine that opens at the same
// time makes its lock first and then looks for the mark, so one sees the other.
func (s *site) mark() error {
	if err := s.empty(); err != nil {
		return err
	}
	name := filepath.Join(s.dir, restoringMark)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return halfRestored(s.dir)
	}
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	if err := errors.Join(f.Close(), syncFile(name), syncFile(s.dir), s.empty(restoringMark)); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// empty returns an error where there is more than what is expected.
func (s *site) empty(expected ...string) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	if len(expected) == 0 {
		if err := checkRestored(s.dir); err != nil {
			return err
		}
	}
	expected = append(expected, lostAndFound)
	for _, entry := range entries {
		if !slices.Contains(expected, entry.Name()) {
			return fmt.Errorf("%w: %s has files", ErrNotEmpty, s.given)
		}
	}
	return nil
}

// finish takes the mark away when everything is on the disk.
func (s *site) finish() error {
	err := syncAll(s.dir)
	if err == nil {
		err = errors.Join(os.Remove(filepath.Join(s.dir, restoringMark)), syncFile(s.dir))
	}
	if err != nil {
		return fmt.Errorf("jetstream: data directory: %w", err)
	}
	return nil
}

// clear removes what was restored, and the mark at the end.
func (s *site) clear() error {
	entries, err := os.ReadDir(s.dir)
	for _, entry := range entries {
		if name := entry.Name(); name != lostAndFound && name != restoringMark {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.dir, name)))
		}
	}
	if err == nil {
		err = os.Remove(filepath.Join(s.dir, restoringMark))
	}
	if err != nil {
		return fmt.Errorf("jetstream: what was restored is still there: %w", err)
	}
	s.unmake()
	return nil
}

// unmake removes the directories that were made, unless somebody else has put
// something into them.
func (s *site) unmake() {
	for dir := s.given; s.made != "" && os.Remove(dir) == nil && dir != s.made; dir = filepath.Dir(dir) {
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

// syncAll brings a directory to the disk with all that is in it.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == lostAndFound {
			return fs.SkipDir
		}
		return errors.Join(err, syncFile(name))
	})
}

// syncFile brings a file or a directory to the disk. On Windows nobody can do
// that for a file that he does not write to.
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

// checkRestored refuses a directory that is marked.
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
