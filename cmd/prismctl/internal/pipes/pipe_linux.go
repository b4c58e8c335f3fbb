package pipes

import (
	"time"

	"golang.org/x/sys/unix"
)

// look reports whether the reader has gone, and how many bytes it has not read.
func (p *Pipe) look() (gone bool, unread int, err error) {
	err = control(p.f, func(fd int) (err error) {
		events, err := poll(0, unix.PollFd{Fd: int32(fd)})
		if err == nil {
			gone = events[0]&unix.POLLERR != 0
			unread, err = unix.IoctlGetInt(fd, unix.TIOCINQ) // after what shows that no more is read
		}
		return err
	})
	return gone, unread, err
}

// size returns how many bytes the pipe holds.
func (p *Pipe) size() (n int, err error) {
	err = control(p.f, func(fd int) (err error) {
		n, err = unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
		return err
	})
	return n, err
}

// ready reports whether a write of atomicWrite bytes returns at once. It waits for
// that a while.
func (p *Pipe) ready(within time.Duration) (ready bool, err error) {
	err = control(p.f, func(fd int) error {
		events, err := poll(within, unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT})
		ready = events[0] != 0 // or the reader has gone, as the write will tell
		return err
	})
	return ready, err
}
