package main

import "golang.org/x/sys/unix"

// look reports whether the reader has gone, and how many bytes it has not read.
func (p *pipe) look() (gone bool, unread int, err error) {
	raw, err := p.f.SyscallConn()
	if err != nil {
		return false, 0, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		polled := []unix.PollFd{{Fd: int32(fd)}}
		for {
			if _, failed = unix.Poll(polled, 0); failed != unix.EINTR {
				break
			}
		}
		gone = polled[0].Revents&unix.POLLERR != 0
		if failed == nil {
			unread, failed = unix.IoctlGetInt(int(fd), unix.TIOCINQ) // after what shows that no more is read
		}
	})
	if err == nil {
		err = failed
	}
	return gone, unread, err
}
