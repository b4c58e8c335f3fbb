//go:build !linux

package engine

import "fmt"

func shortSocket(dir string) (name string, release func(), err error) {
	return "", nil, fmt.Errorf("the path of the data directory is too long for the socket by which a backup is made: %s may have %d bytes; choose a shorter path, or a symbolic link to it",
		backupSocket(dir), longestSocket)
}
