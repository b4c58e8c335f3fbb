//go:build !linux && !darwin && !freebsd

package jetstream

import "errors"

// space is not implemented here: the engine notices a full disk when a write fails.
func space(string) (free, total int64, err error) { return 0, 0, errors.ErrUnsupported }
