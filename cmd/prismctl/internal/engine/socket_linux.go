package engine

import (
	"fmt"
	"os"
	"path/filepath"
)

// shortSocket names the directory by a descriptor.
func shortSocket(dir string) (name string, release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return backupSocket(filepath.Join("/proc/self/fd", fmt.Sprint(f.Fd()))), func() { _ = f.Close() }, nil
}
