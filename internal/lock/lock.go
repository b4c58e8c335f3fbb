// Package lock keeps other processes from a file. It needs the standard library
// only, so that whatever imports it brings no dependency along.
package lock

import "os"

// Try locks f until it is closed or the process ends, and reports whether it
// could: not while another process, or another opening of the file in this one,
// has the lock. It does not wait. An error says that nobody can lock the file, as
// on a file system without locks.
func Try(f *os.File) (bool, error) { return try(f) }
