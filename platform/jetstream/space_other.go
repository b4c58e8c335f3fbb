//go:build !linux && !darwin && !freebsd

package jetstream

import "errors"

// space is not known here: a full disk is noticed when something cannot be written.
func space(string) (free, total int64, err error) { return 0, 0, errors.ErrUnsupported }
