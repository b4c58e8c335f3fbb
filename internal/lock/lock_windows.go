package lock

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// What the documentation of LockFileEx calls LOCKFILE_FAIL_IMMEDIATELY,
// LOCKFILE_EXCLUSIVE_LOCK and ERROR_LOCK_VIOLATION.
const (
	failImmediately = 1
	exclusive       = 2
	violation       = syscall.Errno(33)
)

func try(f *os.File) (bool, error) {
	locked, _, err := lockFileEx.Call(f.Fd(), exclusive|failImmediately, 0, 1, 0, uintptr(unsafe.Pointer(new(syscall.Overlapped))))
	switch {
	case locked != 0:
		return true, nil
	case errors.Is(err, violation) || errors.Is(err, syscall.ERROR_IO_PENDING):
		return false, nil
	}
	return false, os.NewSyscallError("LockFileEx", err)
}
