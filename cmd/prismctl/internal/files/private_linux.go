package files

import (
	"os"

	"golang.org/x/sys/unix"
)

// onReadOnly reports whether f is on a file system that was mounted to be read
// only.
func onReadOnly(f *os.File) bool {
	var s unix.Statfs_t
	return unix.Fstatfs(int(f.Fd()), &s) == nil && s.Flags&unix.ST_RDONLY != 0
}
