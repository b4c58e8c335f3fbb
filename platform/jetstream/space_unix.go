//go:build linux || darwin || freebsd

package jetstream

import "golang.org/x/sys/unix"

// space returns how many bytes of the disk of dir this process may still write, and
// how many it has in all.
func space(dir string) (free, total int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	block := int64(s.Bsize)
	return int64(s.Bavail) * block, int64(s.Blocks) * block, nil
}
