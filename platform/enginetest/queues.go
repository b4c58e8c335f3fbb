package enginetest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Config is what a test needs of the engine that is opened for it. A field
// that is zero means whatever the engine does by default, which must allow a
// queue of 10,000 messages and 16 MiB, and an owner 100 topics and bindings.
type Config struct {
	MaxMessages int   // that one queue holds, ready and unacknowledged
	MaxBytes    int64 // that one queue holds, as counted by Status
	// The same over all queues of an owner, and of all owners.
	MaxOwnerMessages int
	MaxOwnerBytes    int64
	MaxTotalMessages int
	MaxTotalBytes    int64

	MaxTopics   int           // named ones of an owner
	MaxBindings int           // of an owner
	MaxAge      time.Duration // of a message by its Time; no bound by default
	// Bindings are those that every owner begins with; if there are none,
	// its default queue is bound to #.
	Bindings []Binding
}

// A Binding sends the messages whose routing key matches Pattern to the queue
// of Topic, where the empty topic is the default queue.
type Binding struct {
	Pattern, Topic string
}

// Queues tests the engine that open opens, in one subtest a promise. Each of
// them calls open once, and uses random owners, so that engines may share
// their storage. What must be closed, open registers with t.Cleanup.
//
// A subtest that takes longer than a minute fails.
func Queues(t *testing.T, open func(t testing.TB, config Config) platform.Queues) {
	for _, p := range queuePromises() {
		t.Run(p.name, func(t *testing.T) { p.keep(t, time.Minute, open) })
	}
}

type queuePromise struct {
	name   string
	config Config
	check  func(*queueTrial)
}

// keep checks that the engine keeps p, within the limit.
func (p queuePromise) keep(t testing.TB, limit time.Duration, open func(testing.TB, Config) platform.Queues) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	p.check(&queueTrial{trial: trial{t, ctx}, queues: open(t, p.config), owner: newOwner()})
}

func newOwner() string { return strings.ToLower(rand.Text()[:8]) }

func queuePromises() []queuePromise {
	var all []queuePromise
	for _, part := range [][]queuePromise{routing(), topics(), forgetting(), messages(), consumers(), limits(), crowds()} {
		all = append(all, part...)
	}
	return all
}
