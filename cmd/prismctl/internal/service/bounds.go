package service

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/shopex/prism-go/cmd/prismctl/internal/conns"
	"github.com/shopex/prism-go/platform"
)

// queueBounds is what bounds the queues of c.
func (c *Config) queueBounds() platform.QueueBounds {
	b := platform.QueueBounds{
		MaxMessages: c.LimitsMaxMessages, MaxBytes: c.LimitsMaxBytes,
		MaxOwnerMessages: c.LimitsMaxKeyMessages, MaxOwnerBytes: c.LimitsMaxKeyBytes,
		MaxTotalMessages: cmp.Or(c.LimitsMaxAllMessages, messagesIn(memoryLimit(), c.InMemory())),
		MaxTotalBytes:    cmp.Or(c.LimitsMaxAllBytes, bytesIn(memoryLimit(), c.InMemory())),
		MaxParked:        c.LimitsMaxParked, MaxParkedBytes: c.LimitsMaxParkedBytes,
		MaxTopics: c.LimitsMaxTopics, MaxBindings: c.LimitsMaxBindings, MaxFanOut: c.LimitsMaxFanOut,
		MaxAge: c.RetentionMaxAge,
	}
	for _, entry := range c.Lists.Bindings {
		b.Bindings = append(b.Bindings, platform.Binding{Pattern: entry.Pattern, Topic: entry.Topic})
	}
	return b
}

const (
	// What messages take of the memory at most is one part of so many.
	memoryParts = 4
	// The memory of a machine that sets the process no limit.
	ampleMemory = 8 << 30
	// What a message takes of the memory beside its body, in either engine, rather more.
	messageCost, storedMessageCost = 512, 128
)

// messagesIn returns how many messages have room in this much memory.
func messagesIn(memory int64, inMemory bool) int {
	cost := int64(storedMessageCost)
	if inMemory {
		cost = messageCost
	}
	return int(min(memory, ampleMemory) / memoryParts / cost)
}

// bytesIn returns how many bytes of messages have room in this much memory.
func bytesIn(memory int64, inMemory bool) int64 {
	if inMemory {
		return min(memory, ampleMemory) / memoryParts
	}
	return -1
}

// connLimit bounds connections. This machine and trusted proxies bring those
// of many callers.
func (c *Config) connLimit() conns.Limit {
	proxies, _ := c.Proxies()
	return conns.Limit{
		Total:      cmp.Or(c.LimitsConnections, connsIn(memoryLimit())),
		PerAddress: c.LimitsConnectionsPerAddress,
		Exempt: func(addr netip.Addr) bool {
			return addr.IsLoopback() || slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
		},
	}
}

// A connection may take connMemory before its peer is known; all of them may
// take half of the memory.
const (
	connMemory = 128 << 10
	mostConns  = 16384
	leastConns = 64
)

// connsIn returns how many connections there may be with so much memory.
func connsIn(memory int64) int {
	return int(min(max(memory/2/connMemory, leastConns), mostConns))
}
