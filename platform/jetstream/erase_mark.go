package jetstream

import (
	"errors"
	"os"
	"path/filepath"
)

// The server first notes that a message is removed, and then writes its file anew
// without the bytes. A process that ends between the two leaves bytes to which nothing
// points. So the directory has a mark while something is being erased, and a start
// that finds the mark renews the bucket.

// An erasing is such a mark.
type erasing struct {
	mark   string
	files  string // the directory of the messages
	marked bool
	failed bool // an erasure failed, perhaps in an earlier process: the mark stays until a start renews the bucket
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

// fail makes the mark stay.
func (m *erasing) fail() {
	if m != nil {
		m.failed = true
	}
}

// end removes the mark once the files without the bytes are on the disk.
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
