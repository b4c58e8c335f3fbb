package platform

import (
	"context"
	"time"
)

// The call that tells the operator how the platform is: of the process that answers.

// readyTime is how long the answer waits for the engine.
const readyTime = 2 * time.Second

// A Condition is an interface that an engine may have beside [Queues], by which it tells how
// it is. Both methods may be called by any number of goroutines.
type Condition interface {
	// Ready returns nil when the engine can store now.
	Ready(ctx context.Context) error
	// Disk returns how full the disk is on which the engine keeps everything, and false if
	// there is none that it knows.
	Disk() (Disk, bool)
}

// A Disk is how much room there is, in bytes.
type Disk struct {
	Free, Total int64
	Reserve     int64 // of what is free: no message is taken before so little is left
}

// statusTable lists the API about the platform itself.
func (p *Platform) statusTable() map[string]route {
	return map[string]route{
		"platform/status": {admin: true, methods: []string{"GET"}, serve: p.status},
	}
}

// A statusDoc is the answer of platform/status.
type statusDoc struct {
	Ready       bool     `json:"ready"`
	Problem     string   `json:"problem,omitempty"` // why not
	Version     string   `json:"version,omitempty"`
	Started     int64    `json:"started"`
	Uptime      int64    `json:"uptime_seconds"`
	Connections int64    `json:"connections"`
	Disk        *diskDoc `json:"disk,omitempty"`
}

type diskDoc struct {
	Free    int64 `json:"free"`
	Total   int64 `json:"total"`
	Reserve int64 `json:"reserve"`
}

func (p *Platform) status(ctx context.Context, c *call) (any, error) {
	if !c.isOperator() {
		return nil, adminOnly("how the platform itself is, the operator sees, by a role or an admin key of the domain default")
	}
	doc := &statusDoc{
		Ready: true, Version: p.cfg.Version, Started: p.started.Unix(), Uptime: int64(p.cfg.Now().Sub(p.started) / time.Second),
		Connections: p.count.connections.Load(),
	}
	if engine, ok := p.cfg.Queues.(Condition); ok {
		ctx, cancel := context.WithTimeout(ctx, readyTime)
		defer cancel()
		if err := engine.Ready(ctx); err != nil {
			doc.Ready, doc.Problem = false, err.Error()
		}
		if disk, known := engine.Disk(); known {
			doc.Disk = &diskDoc{disk.Free, disk.Total, disk.Reserve}
		}
	}
	return doc, nil
}
