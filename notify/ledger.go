package notify

// A ledger has the messages of a publisher whose outcome is not known yet, in order. It
// says what to send next on a connection, and which messages may be the reason why a
// connection ended. It does no I/O, and its owner locks it.
//
// Messages that were sent are always at the front, and of those the ones that were given
// to the present connection: a new connection begins with the oldest.
type ledger struct {
	maxEntries, maxBytes int

	first, last *entry // a linked list, as any may be abandoned
	unsent      *entry // the first that was not given to this connection, if any
	n, bytes    int    // entries, and their frames
	added       uint64 // entries ever
	abandoned   uint64 // the last that was abandoned after this connection was given it, until it is confirmed
}

// An entry is one message from publishing to its outcome.
type entry struct {
	frame  []byte
	done   func(error) // or nil
	traced func(error) // or nil; called after done
	waits  bool        // a caller waits for result, instead of done
	result chan error  // made when it is first needed

	prev, next *entry
	number     uint64 // its place among all that were added
	sent       bool   // over any connection
	suspect    bool   // sent over a connection that ended because of a message
	complete   bool   // its outcome is known; it is removed when that was reported
}

// fits reports whether there is room for a frame of n bytes. An empty ledger has
// room for any.
func (l *ledger) fits(n int) bool {
	return l.n == 0 || l.n < l.maxEntries && l.bytes+n <= l.maxBytes
}

func (l *ledger) add(e *entry) {
	l.added++
	e.number, e.prev = l.added, l.last
	if l.last == nil {
		l.first = e
	} else {
		l.last.next = e
	}
	l.last = e
	l.n++
	l.bytes += len(e.frame)
	if l.unsent == nil {
		l.unsent = e
	}
}

func (l *ledger) remove(e *entry) {
	if e.prev == nil {
		l.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	if l.unsent == e {
		l.unsent = e.next
	}
	l.n--
	l.bytes -= len(e.frame)
}

// next appends the frames to send now, at most so many, and returns the number of the
// last. It gives suspects to the connection one at a time, each when the connection has
// confirmed everything before it.
func (l *ledger) next(frames [][]byte, most int) (_ [][]byte, number uint64) {
	if l.first != nil && l.first.suspect {
		if l.unsent != l.first || l.abandoned > 0 {
			return frames, 0
		}
		most = 1
	}
	for ; l.unsent != nil && most > 0; most-- {
		e := l.unsent
		e.sent, l.unsent = true, e.next
		frames, number = append(frames, e.frame), e.number
	}
	return frames, number
}

// given reports whether e was given to this connection.
func (l *ledger) given(e *entry) bool {
	return e.sent && (l.unsent == nil || e.number < l.unsent.number)
}

// holds reports whether any of the entries up to number is still here.
func (l *ledger) holds(number uint64) bool { return l.first != nil && l.first.number <= number }

// confirm completes and appends the entries up to number that were given to this
// connection.
func (l *ledger) confirm(entries []*entry, number uint64) []*entry {
	if number >= l.abandoned {
		l.abandoned = 0
	}
	return l.finish(entries, func(e *entry) bool { return l.given(e) && e.number <= number })
}

// finish completes and appends the entries at the front, up to the first that does not
// match.
func (l *ledger) finish(entries []*entry, match func(*entry) bool) []*entry {
	for e := l.first; e != nil && match(e); e = e.next {
		e.complete = true
		entries = append(entries, e)
	}
	return entries
}

// abandon removes an entry for which no caller waits any more. If it was sent, the
// connection may still end because of it.
func (l *ledger) abandon(e *entry) {
	if l.given(e) {
		l.abandoned = max(l.abandoned, e.number)
	}
	l.remove(e)
}

// rewind prepares for a new connection, to which all entries have to be given. It returns
// how many of them were sent before.
func (l *ledger) rewind() (again int) {
	for e := l.first; e != nil && e.sent; e = e.next {
		again++
	}
	l.unsent, l.abandoned = l.first, 0
	return again
}

// markSuspects marks what was given to this connection as suspect, as it ended because of
// a message. It returns how many messages that may have been, an abandoned one included,
// and whether the first was a suspect before.
func (l *ledger) markSuspects() (suspects int, again bool) {
	again = l.first != nil && l.first.suspect
	for e := l.first; e != l.unsent; e = e.next {
		e.suspect = true
		suspects++
	}
	if l.abandoned > 0 {
		suspects++
	}
	return suspects, again
}
