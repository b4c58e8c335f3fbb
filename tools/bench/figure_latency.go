package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/notify"
)

// A clocked way says when its handler got a message.
type clocked struct {
	*way
	arrived chan time.Time
}

func openClocked() (*clocked, error) {
	c := &clocked{arrived: make(chan time.Time, 1<<16)}
	var err error
	c.way, err = openWay(inMemory, 0, func(context.Context, *notify.Delivery) error {
		c.arrived <- time.Now()
		return nil
	})
	if err == nil {
		<-c.arrived // the first message of a way
	}
	return c, err
}

// send publishes a message without waiting for anything and returns when it began.
func (c *clocked) send() (time.Time, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	return began, c.publisher.PublishAsync(ctx, message, nil)
}

// pace is the time between two messages at a thousand a second.
const pace = time.Millisecond

// openLatency measures a quantile of the time from publishing to the handler, in
// microseconds, at a thousand messages a second.
func openLatency(q float64) (*meter, error) {
	c, err := openClocked()
	if err != nil {
		return nil, err
	}
	read := func(n int) (float64, error) {
		took, err := c.latencies(n)
		return quantile(took, q), err
	}
	return &meter{read: read, close: c.close}, nil
}

// latencies are sorted. A message counts from when it was published, not from when
// it should have been: the clock that sleeps between them is not what is measured.
func (c *clocked) latencies(n int) ([]float64, error) {
	sent, took := make([]time.Time, n), make([]float64, n)
	began := time.Now()
	for i := range n {
		time.Sleep(time.Until(began.Add(time.Duration(i) * pace)))
		var err error
		if sent[i], err = c.send(); err != nil {
			return took, err
		}
	}
	for i := range n { // one worker keeps the order
		d, err := since(sent[i], c.arrived)
		if err != nil {
			return took, err
		}
		took[i] = micro(d)
	}
	slices.Sort(took)
	return took, nil
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// openLone measures how much longer a message takes, when there is no other,
// than a bare frame over the same hops. What waits for company, to share a system
// call with it, waits for nothing then.
func openLone() (*meter, error) {
	c, err := openClocked()
	if err != nil {
		return nil, err
	}
	payload, _ := wire.AppendPublish(nil, message.Key, message.Body, "text/plain")
	r, err := openRelay(payload)
	if err != nil {
		c.close()
		return nil, err
	}
	read := func(n int) (float64, error) { return moreThanBare(c, r, n) }
	return &meter{read: read, close: func() { _ = r.close(); c.close() }}, nil
}

// moreThanBare returns the difference of the medians. Both go in turn, each when
// nothing is on its way any more.
func moreThanBare(c *clocked, r *relay, n int) (float64, error) {
	ours, bare := make([]float64, n), make([]float64, n)
	for i := range n {
		time.Sleep(pace)
		o, err := c.lone()
		time.Sleep(pace)
		b, failed := r.lone()
		if err := errors.Join(err, failed); err != nil {
			return 0, err
		}
		ours[i], bare[i] = micro(o), micro(b)
	}
	return spreadOf(ours).mid - spreadOf(bare).mid, nil
}

func (c *clocked) lone() (time.Duration, error) {
	sent, err := c.send()
	if err != nil {
		return 0, err
	}
	return since(sent, c.arrived)
}
