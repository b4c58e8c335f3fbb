package platform

import (
	"sync/atomic"

	"github.com/shopex/prism-go/internal/calls"
	"github.com/shopex/prism-go/internal/code"
)

// What goes through the gateway is remembered: the last calls with both of their sides, and
// statistics of all. The last calls that were refused before are remembered, too.

const (
	keptCalls = 1024
	// keptCallBytes bounds what the calls take that are kept.
	keptCallBytes = 32 << 20
)

// callLog remembers the calls through the gateway.
type callLog struct {
	p     *Platform
	name  string // of this process, in cursors
	last  *calls.Log
	stats atomic.Pointer[calls.Stats]

	saving background
	begun  atomic.Bool
	saver  callSaver
}

func (l *callLog) init(p *Platform) {
	kept := p.cfg.Gateway.KeepCalls
	if kept == 0 {
		kept = keptCalls
	}
	l.p, l.name, l.last = p, randomName(), calls.NewLog(kept, keptCallBytes)
	l.stats.Store(calls.NewStats())
	l.saver.init(l)
}

// noteCall remembers a call through the gateway, whatever became of it.
func (p *Platform) noteCall(rec *calls.Record) {
	l := &p.calls
	if !l.begun.Load() {
		l.begun.Store(true)
		l.saving.begin(l.saver.run)
	}
	limited := rec.Code == code.OverLimit
	p.count.gateway(rec, limited)
	api := rec.API
	if rec.AnyAPI {
		api = everyAPI
	}
	l.stats.Load().Count(rec.Domain, rec.App, rec.Key, rec.Service, api, p.cfg.Now(), calls.ClassOf(rec.Status, limited), rec.Took)
	l.last.Add(rec)
}

// gateway counts a call through the gateway.
func (n *counters) gateway(rec *calls.Record, limited bool) {
	switch {
	case limited:
		n.limited.Add(1)
	case rec.Code == code.BadGateway || rec.Code == code.BackendTimeout:
		n.forwardFailed.Add(1)
	case rec.Backend.URL != "" || rec.Backend.Status != 0:
		n.forwarded.Add(1)
	}
}
