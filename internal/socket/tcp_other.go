//go:build !linux

package socket

import "syscall"

func unanswered(syscall.Conn) int { return 0 }

func quickAcks(syscall.Conn) func() { return nil }

func moreOf(syscall.Conn) func() bool { return nil }
