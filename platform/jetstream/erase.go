package jetstream

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// JetStream only forgets where the bytes of a removed message are: they stay in the
// files. So what a Save replaces or a Delete ends stays a message, behind which there
// is a newer one of its subject, until the eraser has had its bytes overwritten. What
// is left to erase can always be seen in the stream itself.

const (
	// eraseRest is how much longer than an erasure the rest after it takes, as the
	// server stores nothing else meanwhile.
	eraseRest  = 2
	eraseAgain = time.Second
	// eraseRoom must be free on the disk: the server writes a file of messages anew,
	// and what it cannot write makes it stop.
	eraseRoom = 16 << 20
)

var errNoRoom = errors.New("the disk is nearly full: make room on it")

// An eraser overwrites what records were before.
type eraser struct {
	records *journal
	log     *slog.Logger
	mark    *erasing    // of the data directory; nil for other servers
	room    func() bool // reports whether the disk has room
	after   time.Duration
	trouble trouble

	mu      sync.Mutex
	waiting map[string]struct{} // subjects
	bell    chan struct{}       // rung when there is something
}

func newEraser(j *journal, c *Config) *eraser {
	r := &eraser{records: j, log: c.Logger, after: c.eraseAfter, room: func() bool { return true }, waiting: make(map[string]struct{}), bell: make(chan struct{}, 1)}
	if c.Dir != "" {
		r.mark = newErasing(c)
		r.room = func() bool {
			free, _, err := space(c.Dir)
			return err != nil || free > eraseRoom
		}
	}
	return r
}

// add has erased what is behind the newest message of a subject. A nil eraser does
// nothing: its bucket does not permit it.
func (r *eraser) add(subject string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.waiting[subject] = struct{}{}
	r.mu.Unlock()
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

func (r *eraser) take() map[string]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.waiting
	r.waiting = make(map[string]struct{})
	return taken
}

// run erases until ctx ends, and then what is left, if that is soon done: else the
// next start does it.
func (r *eraser) run(ctx context.Context) {
	for !r.look(ctx) && wait(ctx, eraseAgain) {
	}
	for ctx.Err() == nil {
		select {
		case <-r.bell:
			wait(ctx, r.after)
			r.eraseAll(ctx)
		case <-ctx.Done():
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	r.eraseAll(last)
}

// wait reports whether ctx has not ended after d.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// look finds what earlier processes have left, and reports whether that was possible.
func (r *eraser) look(ctx context.Context) bool {
	filter := r.records.subject + ">"
	last, err := r.records.lastOf(ctx, filter)
	if errors.Is(err, errNoRecord) {
		return true
	}
	seed, seen := maphash.MakeSeed(), make(map[uint64]struct{}) // which may take two for one, and that does no harm
	if err == nil {
		err = r.records.each(ctx, filter, last, func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
			sum := maphash.String(seed, m.Subject())
			if _, again := seen[sum]; again || len(m.Data()) == 0 {
				r.add(m.Subject())
			}
			seen[sum] = struct{}{}
			return nil
		})
	}
	return err == nil
}

// eraseAll erases what waits. What fails waits again.
func (r *eraser) eraseAll(ctx context.Context) {
	subjects := r.take()
	if len(subjects) == 0 {
		return
	}
	err := r.mark.begin()
	for subject := range subjects {
		if err == nil && !r.room() {
			err = errNoRoom
		}
		if err == nil {
			began := time.Now()
			if err = r.erase(ctx, subject); err == nil {
				wait(ctx, eraseRest*time.Since(began))
				continue
			}
			r.mark.fail()
		}
		r.add(subject)
	}
	if err == nil {
		err = r.mark.end()
	}
	if ctx.Err() != nil {
		return
	}
	if r.trouble.note(err) && err != nil {
		r.log.Warn("jetstream: what was deleted or replaced is still in the files; it is erased when that is possible", "error", err)
	}
	if err != nil {
		wait(ctx, eraseAgain)
	}
}

// erase leaves the newest message of a subject only, and not even that if it says
// that the record was deleted.
func (r *eraser) erase(ctx context.Context, subject string) error {
	a, err := r.records.latest(ctx, subject)
	newest := a.Message
	for from := uint64(1); err == nil; from++ {
		if from, _, err = r.records.nextOf(ctx, subject, from); err != nil || from >= newest.Seq {
			break
		}
		err = r.records.remove(ctx, from, true)
	}
	if err == nil && len(newest.Data) == 0 {
		err = r.records.remove(ctx, newest.Seq, false)
	}
	if errors.Is(err, errNoRecord) {
		return nil
	}
	return err
}
