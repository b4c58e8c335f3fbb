package notify

import (
	"errors"
	"fmt"
)

// Park parks the message of a delivery in its queue, with the error as the reason: it
// stays there with all that it has, and no longer comes until it is put back by
// [QueueClient.Unpark]. It is meant for [ConsumerConfig].OnGiveUp:
//
//	notify.ConsumerConfig{Topic: "orders", OnGiveUp: notify.Park}
//
// Of the text of the error 1,024 bytes are kept, where whoever may see the queue reads
// them. Park makes a call by the consumer's client and returns when it is answered; it ends
// with the context of the handlers. After an error the message is not parked, or that is
// unknown, and it comes again. A platform that does not have the call, or gives no IDs, is
// an error that matches [errors.ErrUnsupported]: [QueueClient.Forward] puts a message aside
// there. For a message that [QueueClient.Peek] or Read has returned, use
// [QueueClient.Park].
func Park(d *Delivery, err error) error {
	switch {
	case d.session == nil:
		return errors.New("notify: only a delivery of a consumer can be parked so; use QueueClient.Park with its ID")
	case d.ID == "":
		return fmt.Errorf("notify: the platform gave the delivery no ID, so it cannot be parked and will come again; put it aside by QueueClient.Forward: %w", errors.ErrUnsupported)
	}
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	s := d.session
	_, err = NewQueueClient(s.link.client).Park(s.pool.ctx, s.cfg.Topic, reason, d.ID)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("notify: this platform cannot park the message, so it will come again; put it aside by QueueClient.Forward, or update the platform: %w", err)
	case err != nil:
		return fmt.Errorf("notify: the message could not be parked and will come again: %w", err)
	}
	return nil
}
