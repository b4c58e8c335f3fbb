package jetstream

import (
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A message has to outlive the one that it replaces. Otherwise the old value would be
// the latest again when the new one expires before the eraser has removed the old one.
// So JetStream may get a longer TTL than the record has.
const (
	endHeader     = "Prism-TTL"      // how long the record lives, if shorter than JetStream's TTL
	outliveHeader = "Prism-Outlives" // of the empty value of a deleted record: how long the record would have lived on
)

// setEnd sets the headers of m for a life of ttl; 0 is without an end. What m replaces
// JetStream may keep until replaced; zero is nothing.
func setEnd(m *nats.Msg, ttl time.Duration, replaced time.Time) {
	m.Header.Del(endHeader)
	if ttl == 0 {
		return
	}
	ttl = ceilSeconds(ttl)
	left := ceilSeconds(time.Until(replaced))
	if left > ttl {
		m.Header.Set(endHeader, inSeconds(ttl))
	}
	m.Header.Set(jetstream.MsgTTLHeader, inSeconds(max(ttl, left)))
}

// ceilSeconds rounds up to whole seconds, the unit of JetStream's TTL.
func ceilSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

func inSeconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) + "s" }

// removed returns when JetStream will have removed the message and the one that it
// replaced; zero is never, or that there is no message.
func (a *answer) removed() (time.Time, error) {
	_, removed, err := ends(a.header(), a.Message.Time)
	return removed, err
}

// lastErasing bounds how long what has no end may wait to be erased, for example while
// the disk is full, once a record with an end has replaced it.
const lastErasing = 30 * 24 * time.Hour

// outlive returns when a message with an end that replaces this one may go; zero is at
// any time, as there is no message.
func (a *answer) outlive() (time.Time, error) {
	removed, err := a.removed()
	if err == nil && removed.IsZero() && a.Message.Seq > 0 {
		removed = time.Now().Add(lastErasing)
	}
	return removed, err
}

func (a *answer) header() nats.Header {
	header, _ := nats.DecodeHeadersMsg(a.Message.Headers) // it may have none
	return header
}

// over reports whether the record of the message was deleted or has expired.
func (a *answer) over() bool {
	return isOver(a.Message.Data, a.header(), a.Message.Time)
}

// isOver reports whether the record of a message that was stored at that time was
// deleted or has expired.
func isOver(data []byte, header nats.Header, stored time.Time) bool {
	if len(data) == 0 {
		return true
	}
	over, _, err := ends(header, stored)
	return err == nil && header.Get(endHeader) != "" && time.Now().After(over)
}

// ends returns when a record ends, and when JetStream will have removed it and the one
// that it replaced; zero is never.
func ends(header nats.Header, stored time.Time) (over, removed time.Time, err error) {
	for _, end := range []struct {
		name string
		at   *time.Time
	}{{jetstream.MsgTTLHeader, &removed}, {outliveHeader, &removed}, {endHeader, &over}} {
		text := header.Get(end.name)
		if text == "" {
			continue
		}
		ttl, err := time.ParseDuration(text)
		if err != nil {
			return over, removed, fmt.Errorf("jetstream: a record has the life %q: %w", text, err)
		}
		*end.at = stored.Add(ttl)
	}
	if over.IsZero() {
		over = removed
	}
	return over, removed, nil
}
