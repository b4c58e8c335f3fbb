package jetstream

import (
	"errors"
	"os"
	"path/filepath"
)

// The server notes first that a message is removed, and then writes its file anew
// without the bytes. What ends between the two leaves bytes that nothing points to. So
// while something is being erased there is a mark in the directory, and a start that
// finds it renews the bucket.

// An erasing is such a mark.
type erasing struct {
	mark   string
	files  string // the directory of the messages
	marked bool
	failed bool // once, also in an earlier process: then the mark stays until a start renews the bucket
}

func newErasing(c *Config) *erasing {
	return &erasing{mark: erasingMark(c), files: filepath.Join(bucketDir(c), "msgs"), failed: exists(erasingMark(c))}
}

func erasingMark(c *Config) string { return filepath.Join(c.Dir, c.Name+"-erasing") }

// bucketDir is where the server of Dir keeps the records.
func bucketDir(c *Config) string {
	return filepath.Join(c.Dir, "jetstream", "$G", "streams", bucketStream(c.Name))
}

func (m *erasing) begin() error {
	if m == nil || m.marked {
		return nil
	}
	err := errors.Join(writeSynced(m.mark, nil), syncFile(filepath.Dir(m.mark)))
	m.marked = err == nil
	return err
}

// fail has the mark stay.
func (m *erasing) fail() {
	if m != nil {
		m.failed = true
	}
}

// end takes the mark away when the files without the bytes are those on the disk.
func (m *erasing) end() error {
	if m == nil || !m.marked || m.failed {
		return nil
	}
	if err := syncFile(m.files); err != nil {
		return err
	}
	m.marked = false
	return os.Remove(m.mark)
}
