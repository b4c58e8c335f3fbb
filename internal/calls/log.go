package calls

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// mostRecord is how large a record is kept whole: of a larger one the headers are left out.
const mostRecord = 64 << 10

// A Log has the last records. Its methods may be called from any number of goroutines.
type Log struct {
	most  int
	bytes int64 // that the records may take

	mu    sync.Mutex // guards what follows
	ring  []entry    // grows to most entries
	next  uint64     // the number of the next record; they count from 1
	first uint64     // the number of the oldest record that is kept
	used  int64
}

type entry struct {
	record *Record
	bytes  int64
}

// NewLog returns a Log of at most n records that take at most bytes bytes together. With
// less than one record it keeps nothing.
func NewLog(n int, bytes int64) *Log {
	return &Log{most: n, bytes: bytes, next: 1, first: 1}
}

// Add adds a record, which must not be changed after that.
func (l *Log) Add(r *Record) {
	if l.most < 1 {
		return
	}
	e := entry{r, r.size()}
	if e.bytes > mostRecord {
		e.record = r.withoutHeaders()
		e.bytes = e.record.size()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.next > l.first && (l.next-l.first >= uint64(l.most) || l.used+e.bytes > l.bytes) {
		l.forget()
	}
	if at := l.at(l.next); at == len(l.ring) {
		l.ring = append(l.ring, e)
	} else {
		l.ring[at] = e
	}
	l.next++
	l.used += e.bytes
}

func (l *Log) at(number uint64) int { return int((number - 1) % uint64(l.most)) }

// forget removes the oldest record. The caller holds mu.
func (l *Log) forget() {
	e := &l.ring[l.at(l.first)]
	l.used -= e.bytes
	*e = entry{}
	l.first++
}

// withoutHeaders returns a record without what can be very large.
func (r *Record) withoutHeaders() *Record {
	short := *r
	for _, side := range []*Side{&short.Caller, &short.Backend} {
		side.Header, side.AnswerHeader = nil, nil
		side.URL = clip(side.URL)
		side.Body, side.AnswerBody = side.Body[:min(len(side.Body), keptBody)], side.AnswerBody[:min(len(side.AnswerBody), keptBody)]
	}
	short.UserAgent, short.API = clip(short.UserAgent), clip(short.API)
	return &short
}

// keptBody is how much of a URL or a body is kept of a record that is too large.
const keptBody = 4 << 10

// clip returns the beginning of a text, without the memory of the rest.
func clip(text string) string { return strings.Clone(text[:min(len(text), keptBody)]) }

// size returns about how many bytes a record takes.
func (r *Record) size() int64 {
	n := 512
	for _, text := range []string{r.ID, r.Domain, r.App, r.Key, r.User, r.Service, r.API, r.Code, r.Phase, r.RemoteAddr, r.UserAgent} {
		n += len(text)
	}
	for _, text := range r.SecretNames {
		n += len(text) + 16
	}
	for _, text := range r.Secrets {
		n += len(text) + 16
	}
	return int64(n) + r.Caller.size() + r.Backend.size()
}

func (s *Side) size() int64 {
	return int64(len(s.Method)+len(s.URL)+cap(s.Body)+cap(s.AnswerBody)) + headerSize(s.Header) + headerSize(s.AnswerHeader)
}

func headerSize(h http.Header) (n int64) {
	for name, values := range h {
		n += int64(len(name)) + 64
		for _, value := range values {
			n += int64(len(value)) + 16
		}
	}
	return n
}

// A Filter says which records are meant: those that agree with each field that is not zero.
type Filter struct {
	Domain, App, Key, Service, API string
	Failed                         bool // refused, or answered with 400 or more
	Since                          time.Time
}

func (f *Filter) takes(r *Record) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(f.Domain, r.Domain) && same(f.App, r.App) && same(f.Key, r.Key) && same(f.Service, r.Service) && same(f.API, r.API) &&
		(!f.Failed || r.Status >= http.StatusBadRequest || r.Code != "" || r.Status == 0) && !r.At.Before(f.Since)
}

// Newest returns at most most records, the newest first, as they may be shown, and the
// number behind which later ones will be.
func (l *Log) Newest(f Filter, most int) (found []*Record, last uint64) {
	l.mu.Lock()
	last = l.next - 1
	for number := last; number >= l.first && len(found) < most; number-- {
		if r := l.ring[l.at(number)].record; f.takes(r) {
			found = append(found, r)
		}
	}
	l.mu.Unlock()
	return shown(found), last
}

// After returns at most most of the records behind a number, the oldest first, as they may
// be shown, and the number behind which the next ones are.
func (l *Log) After(number uint64, f Filter, most int) (found []*Record, last uint64) {
	l.mu.Lock()
	last = max(min(number, l.next-1), l.first-1)
	for last+1 < l.next && len(found) < most {
		last++
		if r := l.ring[l.at(last)].record; f.takes(r) {
			found = append(found, r)
		}
	}
	l.mu.Unlock()
	return shown(found), last
}

// Find returns the newest record of a domain with this ID, as it may be shown, or nil.
func (l *Log) Find(domain, id string) *Record {
	l.mu.Lock()
	var found *Record
	for number := l.next - 1; number >= l.first && found == nil; number-- {
		if r := l.ring[l.at(number)].record; r.ID == id && r.Domain == domain {
			found = r
		}
	}
	l.mu.Unlock()
	if found == nil {
		return nil
	}
	return found.Shown()
}

func shown(records []*Record) []*Record {
	for i, r := range records {
		records[i] = r.Shown()
	}
	return records
}
