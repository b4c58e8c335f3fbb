package calls

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// mostRecord is how large a record is kept whole: of a larger one the headers are left out.
const mostRecord = 64 << 10

// A Log has the last records. Those of callers that have not proved to have their key have
// a quarter of the room for themselves, so that strangers push no others out. Its methods
// may be called from any number of goroutines.
type Log struct {
	mu    sync.Mutex // guards what follows
	last  uint64     // the number of the newest record; they count from 1
	rings [2]ring    // of proved and of unproved callers
}

// A ring has the last records of a kind.
type ring struct {
	most    int
	bytes   int64   // that the records may take
	entries []entry // grows to most
	added   uint64
	gone    uint64 // how many of those that were added are not here any more
	used    int64
}

type entry struct {
	record *Record
	bytes  int64
}

// NewLog returns a Log of at most n records that take at most bytes bytes together, and a
// quarter of that for those of unproved callers. With less than one record it keeps nothing.
func NewLog(n int, bytes int64) *Log {
	l := &Log{}
	if n > 0 {
		l.rings = [2]ring{{most: n, bytes: bytes}, {most: (n + 3) / 4, bytes: bytes / 4}}
	}
	return l
}

// Add adds a record, which must not be changed after that.
func (l *Log) Add(r *Record) {
	e := entry{r, r.size()}
	if e.bytes > mostRecord {
		e.record = r.withoutHeaders()
		e.bytes = e.record.size()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	to := &l.rings[0]
	if r.Unproved {
		to = &l.rings[1]
	}
	if to.most > 0 {
		l.last++
		e.record.Number = l.last
		to.add(e)
	}
}

func (g *ring) at(n uint64) *entry { return &g.entries[n%uint64(g.most)] }

func (g *ring) add(e entry) {
	for g.added > g.gone && (g.added-g.gone >= uint64(g.most) || g.used+e.bytes > g.bytes) {
		oldest := g.at(g.gone)
		g.used -= oldest.bytes
		*oldest = entry{}
		g.gone++
	}
	if g.added < uint64(g.most) {
		g.entries = append(g.entries, e)
	} else {
		*g.at(g.added) = e
	}
	g.added++
	g.used += e.bytes
}

// newest yields the records, the newest first. The caller holds mu.
func (l *Log) newest(yield func(*Record) bool) {
	left := [2]uint64{l.rings[0].added, l.rings[1].added}
	for {
		var next *Record
		of := 0
		for i := range l.rings {
			if g := &l.rings[i]; left[i] > g.gone {
				if r := g.at(left[i] - 1).record; next == nil || r.Number > next.Number {
					next, of = r, i
				}
			}
		}
		if next == nil || !yield(next) {
			return
		}
		left[of]--
	}
}

// withoutHeaders returns a record without what can be very large.
func (r *Record) withoutHeaders() *Record {
	short := *r
	short.Cut = true
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
	for _, text := range []string{r.ID, r.Domain, r.App, r.Key, r.User, r.Service, r.API, r.Code, r.Phase, r.RemoteAddr, r.UserAgent, r.Message, r.Replays, r.ReplayBy} {
		n += len(text)
	}
	for _, text := range r.SecretNames {
		n += len(text) + 16
	}
	for _, text := range r.Secrets {
		n += len(text) + 16
	}
	if r.Diagnosis != nil {
		n += len(r.Diagnosis.Text) + 32*len(r.Diagnosis.Causes)
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
	Replays                        string
	Text                           string // that an ID, a name, the path or the address contains, in any case
	Failed                         bool   // refused, or answered with 400 or more
	Since                          time.Time
	Before                         uint64 // number
}

func (f *Filter) takes(r *Record) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(f.Domain, r.Domain) && same(f.App, r.App) && same(f.Key, r.Key) && same(f.Service, r.Service) && same(f.API, r.API) &&
		same(f.Replays, r.Replays) && (f.Before == 0 || r.Number < f.Before) &&
		(!f.Failed || r.Status >= http.StatusBadRequest || r.Code != "" || r.Status == 0) && !r.At.Before(f.Since) && (f.Text == "" || r.has(f.Text))
}

// has reports whether what is shown of a record in a list contains a text.
func (r *Record) has(text string) bool {
	path, _, _ := strings.Cut(r.Caller.URL, "?")
	if plain, err := url.PathUnescape(path); err == nil {
		path = plain
	}
	text = strings.ToLower(text)
	return slices.ContainsFunc([]string{r.ID, r.App, r.Key, r.User, r.Service, r.API, r.Code, r.RemoteAddr, path}, func(of string) bool {
		return strings.Contains(strings.ToLower(of), text)
	})
}

// Newest returns at most most records, the newest first, as they are listed, and the
// number behind which later ones will be.
func (l *Log) Newest(f Filter, most int) (found []*Record, last uint64) {
	l.mu.Lock()
	last = l.last
	for r := range l.newest {
		if len(found) == most {
			break
		}
		if f.takes(r) {
			found = append(found, r)
		}
	}
	l.mu.Unlock()
	return listed(found), last
}

// After returns at most most of the records behind a number, the oldest first, as they are
// listed, and the number behind which the next ones are.
func (l *Log) After(number uint64, f Filter, most int) (found []*Record, last uint64) {
	l.mu.Lock()
	last = l.last
	for r := range l.newest {
		if r.Number <= number {
			break
		}
		if f.takes(r) {
			found = append(found, r)
		}
	}
	l.mu.Unlock()
	slices.Reverse(found)
	if len(found) > most {
		found = found[:most]
		last = found[most-1].Number
	}
	return listed(found), last
}

// Find returns the newest record of a domain with this ID, as it may be shown, or nil.
func (l *Log) Find(domain, id string) *Record {
	l.mu.Lock()
	var found *Record
	for r := range l.newest {
		if r.ID == id && r.Domain == domain {
			found = r
			break
		}
	}
	l.mu.Unlock()
	if found == nil {
		return nil
	}
	shown := found.Shown()
	shown.Masked = masked(&found.Caller, &shown.Caller)
	return shown
}

func listed(records []*Record) []*Record {
	for i, r := range records {
		records[i] = r.Listed()
	}
	return records
}
