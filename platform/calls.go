package platform

import "github.com/shopex/prism-go/internal/calls"

// noteCall remembers a call through the gateway, whatever became of it.
func (p *Platform) noteCall(rec *calls.Record) {}
