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
// and 16 MiB, an owner with 100 topics and bindings, and an exchange with 1,100 queues
// that get the same message. OnDrop is set in all bounds.
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

// verify checks that the engine keeps p, within the limit. The trial's owner is in an
// exchange of its own, and begins with the bindings of the bounds or, without any, with
// one of its default queue for every message.
func (p queuePromise) verify(t testing.TB, limit time.Duration, open func(testing.TB, platform.QueueBounds) platform.Queues) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	warned := new(warnings)
	p.bounds.OnDrop = warned.add
	qt := &queueTrial{trial: trial{t, ctx}, queues: open(t, p.bounds), warned: warned, owner: newName(), as: platform.Owner{Exchange: newName()}}
	if p.bounds.Bindings == nil {
		qt.as.Bindings = everything()
	}
	qt.declare()
	p.check(qt)
}

// newName returns a name that no other owner or exchange has.
func newName() string { return strings.ToLower(rand.Text()[:8]) }

func queuePromises() []queuePromise {
	var all []queuePromise
	for _, part := range [][]queuePromise{
		routing(), exchanges(), owners(), fanOut(), topics(), forgetting(), messages(), messageIDs(), peeking(), consumers(), limits(), overflow(), shedding(), attempts(), parking(), unparking(), parkingBounds(), alone(), crowds(),
	} {
		all = append(all, part...)
	}
	return all
}
