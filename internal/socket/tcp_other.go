//go:build !linux

package socket

import "net"

func unanswered(*net.TCPConn) int { return 0 }

func quickAcks(*net.TCPConn) func() { return nil }
