//go:build unix

package pipes

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// control calls with the descriptor of f, which stays open meanwhile.
func control(f *os.File, call func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = call(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// poll waits until something is so with one of the descriptors, but no longer than
// within, unless that is negative; and returns what is so with each.
func poll(within time.Duration, of ...unix.PollFd) ([]int16, error) {
	timeout := -1
	if within >= 0 {
		timeout = int(within.Milliseconds())
	}
	for {
		_, err := unix.Poll(of, timeout)
		if err == unix.EINTR {
			continue
		}
		events := make([]int16, len(of))
		for i := range of {
			events[i] = of[i].Revents
		}
		return events, err
	}
}

// HasInput reports whether the pipe f has something to read, or gets it within a
// while.
func HasInput(f *os.File, within time.Duration) (has bool) {
	_ = control(f, func(fd int) error {
		events, err := poll(within, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		has = err == nil && events[0]&unix.POLLIN != 0
		return nil
	})
	return has
}

// AwaitNoReader waits until nobody can read any more what is written to the pipe f,
// and reports whether that came before the end of ctx.
func AwaitNoReader(ctx context.Context, f *os.File) (gone bool) {
	end, begin, err := os.Pipe() // that a poll can be ended
	if err != nil {
		return false
	}
	defer end.Close()
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { begin.Close(); close(ended) })
	_ = control(f, func(fd int) error {
		return control(end, func(endFd int) error {
			events, err := poll(-1, unix.PollFd{Fd: int32(fd)}, unix.PollFd{Fd: int32(endFd)})
			gone = err == nil && events[0]&(unix.POLLERR|unix.POLLHUP) != 0
			return nil
		})
	})
	if stop() {
		begin.Close()
	} else {
		<-ended
	}
	return gone
}
