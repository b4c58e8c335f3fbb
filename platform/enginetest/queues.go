package enginetest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Queues tests the engine that open opens, with one subtest for each promise. Each
// subtest calls open once, and uses random owners, so that engines may share their
// storage. open closes what it opened by t.Cleanup.
//
// A bound of zero is the engine's default, which must allow a queue of 10,000 messages
// and 16 MiB, and an owner with 100 topics and bindings.
//
// A subtest that takes longer than a minute fails.
func Queues(t *testing.T, open func(t testing.TB, bounds platform.QueueBounds) platform.Queues) {
	for _, p := range queuePromises() {
		t.Run(p.name, func(t *testing.T) { p.verify(t, time.Minute, open) })
	}
}

type queuePromise struct {
	name   string
	bounds platform.QueueBounds
	check  func(*queueTrial)
}

// verify checks that the engine keeps p, within the limit.
func (p queuePromise) verify(t testing.TB, limit time.Duration, open func(testing.TB, platform.QueueBounds) platform.Queues) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	p.check(&queueTrial{trial: trial{t, ctx}, queues: open(t, p.bounds), owner: newOwner()})
}

func newOwner() string { return strings.ToLower(rand.Text()[:8]) }

func queuePromises() []queuePromise {
	var all []queuePromise
	for _, part := range [][]queuePromise{routing(), topics(), forgetting(), messages(), consumers(), limits(), crowds()} {
		all = append(all, part...)
	}
	return all
}
