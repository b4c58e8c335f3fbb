package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// look reports whether the reader has gone, and how many bytes it has not read.
func (p *pipe) look() (gone bool, unread int, err error) {
	err = p.control(func(fd int) (err error) {
		events, err := poll(fd, 0, 0)
		if err == nil {
			gone = events&unix.POLLERR != 0
			unread, err = unix.IoctlGetInt(fd, unix.TIOCINQ) // after what shows that no more is read
		}
		return err
	})
	return gone, unread, err
}

// size returns how many bytes the pipe holds.
func (p *pipe) size() (n int, err error) {
	err = p.control(func(fd int) (err error) {
		n, err = unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
		return err
	})
	return n, err
}

// ready reports whether a write of atomicWrite bytes returns at once. It waits for
// that a while.
func (p *pipe) ready(within time.Duration) (ready bool, err error) {
	err = p.control(func(fd int) error {
		events, err := poll(fd, unix.POLLOUT, within)
		ready = events != 0 // or the reader has gone, as the write will tell
		return err
	})
	return ready, err
}

func (p *pipe) control(call func(fd int) error) error {
	raw, err := p.f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = call(int(fd)) }); err != nil {
		return err
	}
	return failed
}

func poll(fd int, events int16, within time.Duration) (int16, error) {
	polled := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		_, err := unix.Poll(polled, int(within.Milliseconds()))
		if err != unix.EINTR {
			return polled[0].Revents, err
		}
	}
}
