// Package lock locks files against other processes. It needs the standard library only,
// so packages that import it get no further dependency.
package lock

import "os"

// Try locks f until f is closed or the process ends, and reports whether that was
// possible. It is not while another process has the lock, or this process by another
// os.File. Try does not wait. An error means that the file cannot be locked at all, as on
// a file system without locks.
func Try(f *os.File) (bool, error) { return try(f) }
