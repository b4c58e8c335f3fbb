package socket

import (
	"encoding/binary"
	"syscall"
)

// unanswered reads the beginning of struct tcp_info: state, ca_state, retransmits
// and probes, a byte each.
func unanswered(conn syscall.Conn) (n int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) {
		if v, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO); err == nil {
			var info [4]byte
			binary.NativeEndian.PutUint32(info[:], uint32(v))
			n = int(info[2]) + int(info[3])
		}
	})
	return n
}

// quickAcks returns what re-arms TCP_QUICKACK, which the kernel forgets.
func quickAcks(conn syscall.Conn) func() {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	set := func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) }
	return func() { raw.Control(set) }
}

// moreOf returns what reports whether the kernel has bytes to read.
func moreOf(conn syscall.Conn) func() bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	var one [1]byte
	return func() (more bool) {
		raw.Control(func(fd uintptr) {
			n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			more = err == nil && n > 0
		})
		return more
	}
}
