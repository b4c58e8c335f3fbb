package notify

import (
	"context"
	"iter"
)

// Deliveries is Run as a loop, for one delivery at a time and with manual
// acknowledgement:
//
//	for d, err := range consumer.Deliveries(ctx) {
//		if err != nil {
//			return err // no reconnecting cures it
//		}
//		handle(d)
//		d.Ack(ctx)
//	}
//
// The loop ends when ctx does, without an error; a body that runs then has the
// grace period to finish and acknowledge. Breaking out of the loop closes the
// connection; what is not acknowledged by then is delivered again.
func (c *Consumer) Deliveries(ctx context.Context) iter.Seq2[*Delivery, error] {
	return func(yield func(*Delivery, error) bool) {
		inner, stop := context.WithCancel(ctx)
		deliveries, next, ended := make(chan *Delivery), make(chan struct{}), make(chan struct{})
		// The loop's body is the handler: one that runs when ctx ends may
		// finish and acknowledge, within the grace period.
		body := func(handler context.Context, d *Delivery) error {
			if inner.Err() != nil {
				return nil
			}
			select {
			case deliveries <- d:
			case <-inner.Done():
				return nil
			}
			select {
			case <-next:
			case <-handler.Done():
			}
			return nil
		}
		var err error
		go func() {
			defer close(ended)
			err = c.run(inner, body, 1, true)
		}()
		defer func() { stop(); close(next); <-ended }()
		for {
			select {
			case d := <-deliveries:
				if !yield(d, nil) {
					return
				}
				select {
				case next <- struct{}{}:
				case <-ended:
				}
			case <-ended:
				if ctx.Err() == nil {
					yield(nil, err)
				}
				return
			}
		}
	}
}
