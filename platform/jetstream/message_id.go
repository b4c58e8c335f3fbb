package jetstream

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	"github.com/shopex/prism-go/platform"
)

// The ID of a message is the Log of its stream and the number of its fact, which the
// message keeps when cleaning carries it and when a backup is restored. So it need not
// be stored.

// logKey is where a stream has its Log, in its metadata.
const logKey = "prism-log"

// newLog returns the Log of a stream that is being made.
func newLog() uint32 {
	var b [4]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])
}

func logMetadata(log uint32) map[string]string {
	return map[string]string{logKey: fmt.Sprintf("%08x", log)}
}

// log returns the Log of the stream that a describes. That of a stream of an earlier
// version comes from the time when it was made, which all servers know and which never
// changes.
func (a *answer) log() uint32 {
	if log, err := strconv.ParseUint(a.Config.Metadata[logKey], 16, 32); err == nil {
		return uint32(log)
	}
	return crc32.ChecksumIEEE(a.Created.UTC().AppendFormat(nil, time.RFC3339Nano))
}

// identify sets the IDs of the messages of a record that was read.
func (e *Engine) identify(facts []fact) {
	log := e.log.Load()
	for i := range facts {
		if f := &facts[i]; f.message != nil {
			f.message.ID = platform.MessageID{Log: log, Number: f.number}
		}
	}
}

// identify sets the IDs of the new messages as they will be when the draft is stored:
// its record can only get the next place. Messages that are carried have theirs, and
// consumers may hold them.
func (d *draft) identify(log uint32) {
	for i := range d.facts {
		if f := &d.facts[i]; f.kind == factPut {
			f.message.ID = platform.MessageID{Log: log, Number: numberOf(d.after+1, i)}
		}
	}
}

// copied returns copies of messages without their IDs. The committer may set the IDs of
// the copies when the caller has given up and does what it likes with its own ones.
func copied(ms []*platform.Message) []*platform.Message {
	copies := slices.Clone(ms)
	for i, m := range ms {
		c := *m
		c.ID = platform.MessageID{}
		copies[i] = &c
	}
	return copies
}

// tellIDs gives messages the IDs of their copies that were stored. Only the goroutine
// that waited for that calls it.
func tellIDs(ms, copies []*platform.Message) {
	for i, c := range copies {
		ms[i].ID = c.ID
	}
}
