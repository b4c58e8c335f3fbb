package socket

import (
	"encoding/binary"
	"net"
	"syscall"
)

// unanswered reads the beginning of struct tcp_info: state, ca_state, retransmits
// and probes, a byte each.
func unanswered(conn *net.TCPConn) (n int) {
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
