package jetstream

import (
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What takes the place of a message has to outlive it: else the old one would be there
// again when the new one expires, wherever the eraser has not come by. So JetStream may
// be told a longer time than a record lives.
const (
	endHeader     = "Prism-TTL"      // how long the record lives, if that is shorter
	outliveHeader = "Prism-Outlives" // of what is left of a deleted record: how long that would have lived on
)

// setEnd notes in m for how long it is to live in the place of what may be there until
// a time; zero is not at all.
func setEnd(m *nats.Msg, ttl time.Duration, replaced time.Time) {
	m.Header.Del(endHeader)
	if ttl == 0 {
		return
	}
	ttl = whole(ttl)
	left := whole(time.Until(replaced))
	if left > ttl {
		m.Header.Set(endHeader, inSeconds(ttl))
	}
	m.Header.Set(jetstream.MsgTTLHeader, inSeconds(max(ttl, left)))
}

// whole rounds up to what JetStream can count.
func whole(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

func inSeconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) + "s" }

// removed returns when JetStream will have removed the message, and what it has
// replaced; zero is never, or that nothing is there.
func (a *answer) removed() (time.Time, error) {
	_, removed, err := ends(a.header(), a.Message.Time)
	return removed, err
}

func (a *answer) header() nats.Header {
	header, _ := nats.DecodeHeadersMsg(a.Message.Headers) // it may have none
	return header
}

// over reports whether the message is no record any more.
func (a *answer) over() bool {
	return isOver(a.Message.Data, a.header(), a.Message.Time)
}

// isOver reports whether a message that was stored at such a time is no record.
func isOver(data []byte, header nats.Header, stored time.Time) bool {
	if len(data) == 0 {
		return true
	}
	over, _, err := ends(header, stored)
	return err == nil && header.Get(endHeader) != "" && time.Now().After(over)
}

// ends returns when a record ends, and when JetStream has removed it and what it has
// replaced; zero is never.
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
