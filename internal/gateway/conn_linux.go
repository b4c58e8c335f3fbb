package gateway

import (
	"encoding/binary"
	"net"
	"syscall"
)

const established = 1 // TCP_ESTABLISHED in the state of the kernel

// closedByPeer reports whether the other side has closed a connection, as far as the kernel
// knows: whoever reads from it may not have learned that yet.
func closedByPeer(conn net.Conn) (closed bool) {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	socket, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	_ = socket.Control(func(fd uintptr) {
		info, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO)
		var state [4]byte // of which the first is the state
		binary.NativeEndian.PutUint32(state[:], uint32(info))
		closed = err == nil && state[0] != established
	})
	return closed
}
