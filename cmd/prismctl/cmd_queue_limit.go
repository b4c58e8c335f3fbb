package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/shopex/prism-go/notify"
)

type queueLimitCmd struct {
	queueOwner
	aQueue
	destructive
	MaxMessages *int          `placeholder:"N" help:"Messages that the queue holds, ready and held by consumers; 0 is the platform's default."`
	MaxBytes    *int64        `placeholder:"N" help:"Bytes of their bodies, routing keys and content types; 0 is the platform's default."`
	MaxAttempts *int          `placeholder:"N" help:"Park a message that has failed so often; 0 tries each for ever."`
	Overflow    *overflowFlag `placeholder:"POLICY" choices:"refuse,drop-oldest,drop-newest,default" help:"What a full queue does: refuse, drop-oldest, drop-newest, or default."`
}

// Help teaches by example.
func (*queueLimitCmd) Help() string {
	return `Without a flag it shows what holds now. A full queue refuses what its own key publishes, and for a message of another key it drops its oldest one: that is the default. Set to drop-oldest it drops its oldest message, and set to drop-newest what comes, for whoever publishes. Set to refuse it refuses all, and so stops everybody who publishes to it. What a consumer holds is never dropped.

The holder of the key may lower the numbers of messages and bytes and let the queue drop; raising them and refuse need an admin key.

With --max-attempts a message that nobody can handle is parked: it stays, and no longer comes. "prismctl queue parked" shows such messages. An attempt is counted when a consumer of this project's SDK says that it failed, or when the connection of any consumer ends with the message unacknowledged, if that may be the cause.

    prismctl queue limit orders
    prismctl queue limit orders --max-messages 1000 --overflow drop-oldest
    prismctl queue limit orders --max-attempts 5
    prismctl queue limit orders --max-messages 0 --of buwb2lii`
}

// Validate is called for the flags.
func (c *queueLimitCmd) Validate() error {
	if c.MaxMessages != nil && *c.MaxMessages < 0 || c.MaxBytes != nil && *c.MaxBytes < 0 {
		return errors.New("--max-messages and --max-bytes must not be negative; 0 is the platform's default")
	}
	if c.MaxAttempts != nil && *c.MaxAttempts < 0 {
		return errors.New("--max-attempts must not be negative; 0 tries each message for ever")
	}
	return nil
}

// An overflowFlag is what a full queue does.
type overflowFlag string

// UnmarshalText is called for the flag.
func (o *overflowFlag) UnmarshalText(text []byte) error {
	*o = overflowFlag(text)
	switch notify.Overflow(text) {
	case notify.OverflowRefuse, notify.OverflowDropOldest, notify.OverflowDropNewest, notify.OverflowDefault:
		return nil
	}
	return fmt.Errorf("%q is nothing that a full queue does: use refuse, drop-oldest, drop-newest or default", text)
}

func (c *queueLimitCmd) destroys() bool { return c.asked() != notify.QueueLimits{} }

// Run changes what was given, and shows what holds then.
func (c *queueLimitCmd) Run(ctx context.Context, t *tool) error {
	var l notify.QueueLimits
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) (err error) {
		l, err = q.SetLimits(ctx, c.Topic, c.asked())
		return err
	})
	switch {
	case err != nil:
		return err
	case t.Output == asJSON:
		return t.printJSON(limitLine(l))
	}
	return t.printTable([][]string{
		{"max messages", numberOr(int64(l.MaxMessages), "any number")},
		{"max bytes", numberOr(l.MaxBytes, "any number")},
		{"max attempts", numberOr(int64(l.MaxAttempts), "any number")},
		{"when full", overflowText(l.Overflow)},
	})
}

// asked is what the flags change.
func (c *queueLimitCmd) asked() notify.QueueLimits {
	l := notify.QueueLimits{MaxMessages: limitOf(c.MaxMessages), MaxBytes: limitOf(c.MaxBytes), MaxAttempts: limitOf(c.MaxAttempts)}
	if c.Overflow != nil {
		l.Overflow = notify.Overflow(*c.Overflow)
	}
	return l
}

// limitOf is what SetLimits makes of a flag.
func limitOf[N int | int64](flag *N) N {
	switch {
	case flag == nil:
		return 0
	case *flag == 0:
		return notify.DefaultLimit
	}
	return *flag
}

// A limitLine is what a queue holds at most, in the members of the platform's answer.
type limitLine struct {
	MaxMessages int             `json:"max_messages"` // 0: any number
	MaxBytes    int64           `json:"max_bytes"`    // likewise
	Overflow    notify.Overflow `json:"overflow"`
	MaxAttempts int             `json:"max_attempts"` // likewise
}

// numberOr is a number for people, or what stands for 0.
func numberOr(n int64, none string) string {
	if n == 0 {
		return none
	}
	return strconv.FormatInt(n, 10)
}

// overflowText says what a full queue does.
func overflowText(o notify.Overflow) string {
	switch o {
	case notify.OverflowDefault:
		return "default: refuse the own key, drop the oldest for others"
	case notify.OverflowRefuse:
		return "refuse: whoever publishes to it"
	case notify.OverflowDropOldest:
		return "drop-oldest: for whoever publishes to it"
	case notify.OverflowDropNewest:
		return "drop-newest: what comes is dropped"
	}
	return textOr(string(o), "-")
}
