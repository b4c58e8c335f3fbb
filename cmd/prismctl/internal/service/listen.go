package service

import (
	"errors"
	"fmt"
	"net"
)

// listen takes the addresses. Callers wait there until they are served.
func (s *service) listen() (err error) {
	if s.listener, err = s.take(s.Listen); err != nil {
		return fmt.Errorf("cannot listen: %w\nChoose another address by --listen; port 0 is any free one", err)
	}
	if s.AdminListen == "" {
		return nil
	}
	if s.adminListener, err = s.take(s.AdminListen); err != nil {
		return fmt.Errorf("cannot listen for health and metrics: %w\nChoose another address by --admin-listen", err)
	}
	return nil
}

// take listens at an address until the end of s, or of the server there.
func (s *service) take(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, func() error { return ignore(l.Close(), net.ErrClosed) })
	return l, nil
}

// ignore returns err, unless it is one that is expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
