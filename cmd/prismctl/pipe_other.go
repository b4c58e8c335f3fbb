//go:build !linux

package main

import (
	"errors"
	"time"
)

// size fails: only Linux tells the writer of a pipe what its reader has not read.
func (p *pipe) size() (int, error) { return 0, errors.ErrUnsupported }

func (p *pipe) look() (gone bool, unread int, err error) {
	return false, 0, errors.ErrUnsupported
}

func (p *pipe) ready(time.Duration) (bool, error) { return true, nil }
