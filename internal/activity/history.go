package activity

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// mostKept is how many records a History gets in a second, and mostFailuresKept how many
	// besides of what has failed, so that a flood of what succeeds does not hide it.
	mostKept         = 200
	mostFailuresKept = 100

	historyBlock = 64 << 10
	// longestKept bounds the bytes of one record.
	longestKept = 8 << 10
)

// A History keeps the last records about messages, to be found by the ID of the message.
// What comes faster than some hundred records a second is only counted. Its methods may be
// called from any number of goroutines; a nil History keeps nothing.
type History struct {
	common, failures credit

	mu     sync.Mutex // guards what follows
	most   int        // blocks
	blocks [][]byte   // the oldest first; each is of entries, as lines
	line   []byte     // the memory of one
	late   int64      // records that were paid for, and were not kept
}

// An entry is what a line of a History has.
type entry struct {
	Record
	In     string `json:"domain"`
	Before int64  `json:"before"` // how many records were missed until then
}

// NewHistory returns a History that keeps so many bytes, in steps of 64 KiB and at least one.
func NewHistory(size int) *History {
	h := &History{most: max(1, size/historyBlock)}
	h.common.init(mostKept)
	h.failures.init(mostFailuresKept)
	return h
}

// Wants reports whether a record is to be made, of something that has failed or not, and
// given to Add. If it is not, the record is counted as missed. It is called for each
// message, so it costs little and allocates nothing.
func (h *History) Wants(failed bool) bool {
	switch {
	case h == nil:
		return false
	case failed:
		return h.failures.pay()
	}
	return h.common.pay()
}

// Add keeps a record that Wants has asked for. It keeps no part of its memory.
func (h *History) Add(r *Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := r.appendLine(h.line[:0])
	e = appendText(e[:len(e)-len("}\n")], "domain", r.Domain)
	e = append(appendNumber(e, "before", uint64(h.missed())), "}\n"...)
	if len(e) > longestKept {
		h.late++
		return
	}
	h.line = e
	last := len(h.blocks) - 1
	if last < 0 || len(h.blocks[last])+len(e) > historyBlock {
		h.turn()
		last = len(h.blocks) - 1
	}
	h.blocks[last] = append(h.blocks[last], e...)
}

// turn begins a block, in the memory of the oldest one if there are as many as may be. The
// caller holds mu.
func (h *History) turn() {
	if len(h.blocks) < h.most {
		h.blocks = append(h.blocks, make([]byte, 0, historyBlock))
		return
	}
	oldest := h.blocks[0][:0]
	h.blocks = append(slices.Delete(h.blocks, 0, 1), oldest)
}

// Miss counts records that nobody could make.
func (h *History) Miss(records int) {
	if h != nil {
		h.mu.Lock()
		h.late += int64(records)
		h.mu.Unlock()
	}
}

// missed returns how many records were not kept. The caller holds mu.
func (h *History) missed() int64 { return h.common.missed() + h.failures.missed() + h.late }

// Of returns the records of a domain about the message with this ID, in their order. The
// Missed of each says how many records, about any message, were not kept since the one
// before it, and later how many since the last one. since is when the oldest record that is
// kept, about any message, was made; zero if none is.
func (h *History) Of(domain, id string) (records []Record, later int64, since time.Time) {
	if h == nil {
		return nil, 0, time.Time{}
	}
	blocks, missed := h.copied()
	first, before := true, int64(0)
	needle := appendText(nil, "id", id)
	for _, block := range blocks {
		for line := range bytes.Lines(block) {
			if !first && !bytes.Contains(line, needle) {
				continue
			}
			var e entry
			_ = json.Unmarshal(line, &e) // which Add has written
			if first {
				first, since = false, e.Time
			}
			if e.In != domain || e.ID != id {
				continue
			}
			if len(records) > 0 {
				e.Record.Missed = max(0, e.Before-before)
			}
			before = e.Before
			records = append(records, e.Record)
		}
	}
	if len(records) > 0 {
		later = max(0, missed-before)
	}
	return records, later, since
}

// copied returns what is kept, so that it can be searched while more comes, and how many
// records were missed.
func (h *History) copied() (blocks [][]byte, missed int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, block := range h.blocks {
		blocks = append(blocks, bytes.Clone(block))
	}
	return blocks, h.missed()
}

// A credit lets some through in each second, and counts the rest. A second begins with the
// first of them, so nothing runs while nothing happens.
type credit struct {
	rate int64
	left atomic.Int64 // below zero, how many were too many
	over atomic.Int64 // how many were, in earlier seconds
}

func (c *credit) init(rate int64) {
	c.rate = rate
	c.left.Store(rate)
}

func (c *credit) pay() bool {
	left := c.left.Add(-1)
	if left == c.rate-1 {
		time.AfterFunc(time.Second, c.renew)
	}
	return left >= 0
}

func (c *credit) renew() {
	if left := c.left.Swap(c.rate); left < 0 {
		c.over.Add(-left)
	}
}

func (c *credit) missed() int64 { return c.over.Load() + max(0, -c.left.Load()) }
