//go:build !linux

package main

import "errors"

// look fails: only Linux tells the writer of a pipe what its reader has not read.
func (p *pipe) look() (gone bool, unread int, err error) {
	return false, 0, errors.ErrUnsupported
}
