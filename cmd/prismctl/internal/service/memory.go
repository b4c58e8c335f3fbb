package service

import (
	"log/slog"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is how much of a container's memory the garbage collector keeps
// to; the rest is for the kernel's buffers of sockets and files.
const memoryShare = 0.8

// limitMemory makes the garbage collector keep to the memory limit of the
// container or unit, unless GOMEMLIMIT says something else.
func limitMemory(log *slog.Logger) {
	if memoryLimit() != math.MaxInt64 {
		return
	}
	limit, err := memlimit.FromCgroup()
	if err != nil {
		log.Debug("no memory limit of a cgroup", "reason", err)
		return
	}
	if limit > math.MaxInt64 {
		return
	}
	debug.SetMemoryLimit(int64(float64(limit) * memoryShare))
	log.Info("the garbage collector keeps to the memory limit", "cgroup", limit, "gomemlimit", memoryLimit())
}

// memoryLimit returns what the garbage collector keeps to.
func memoryLimit() int64 { return debug.SetMemoryLimit(-1) }
