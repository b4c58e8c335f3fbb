package admin

import (
	"context"
	"time"
)

// A Status is how a process of the platform is.
type Status struct {
	Ready       bool   // it can store
	Problem     string // why it cannot
	Version     string // of the program; empty if it does not say it
	Started     time.Time
	Connections int64 // of the message channel
	Disk        *Disk // nil if the platform keeps nothing on a disk of its own
}

// A Disk is the one on which a platform keeps everything, in bytes.
type Disk struct {
	Free    int64 `json:"free"`
	Total   int64 `json:"total"`
	Reserve int64 `json:"reserve"` // of what is free: no message is taken before so little is left
}

// Status returns how the process that answers is. It is for the admin keys of the domain
// default; for others the error matches [prism.ErrForbidden].
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var doc struct {
		Ready       bool
		Problem     string
		Version     string
		Started     int64
		Connections int64
		Disk        *Disk
	}
	if err := c.get(ctx, "platform/status", nil, &doc); err != nil {
		return nil, err
	}
	return &Status{doc.Ready, doc.Problem, doc.Version, time.Unix(doc.Started, 0), doc.Connections, doc.Disk}, nil
}
