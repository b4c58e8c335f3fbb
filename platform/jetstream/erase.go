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

// When JetStream removes a message, it only forgets where its bytes are: they stay in
// the files. So what a Save replaces or a Delete removes stays a message of the stream,
// followed by a newer one of its subject, until the eraser has had its bytes
// overwritten. So the stream itself always shows what is left to erase.

const (
	// eraseRest is how many times as long as an erasure the pause after it is, as the
	// server stores nothing else during an erasure.
	eraseRest  = 2
	eraseAgain = time.Second
	// eraseRoom bytes must be free on the disk: the server writes a file of messages
	// anew, and stops if it cannot.
	eraseRoom = 16 << 20
)

var errNoRoom = errors.New("the disk is nearly full: make room on it")

// An eraser overwrites the former values of records.
type eraser struct {
	records *journal
	log     *slog.Logger
	mark    *erasing    // of the data directory; nil for other servers
	hasRoom func() bool // reports whether the disk has room
	after   time.Duration
	failure failure

	mu      sync.Mutex
	waiting map[string]struct{} // subjects
	bell    chan struct{}       // rung when there is something
}

func newEraser(j *journal, c *Config) *eraser {
	r := &eraser{records: j, log: c.Logger, after: c.eraseAfter, hasRoom: func() bool { return true }, waiting: make(map[string]struct{}), bell: make(chan struct{}, 1)}
	if c.Dir != "" {
		r.mark = newErasing(c)
		r.hasRoom = func() bool {
			free, _, err := space(c.Dir)
			return err != nil || free > eraseRoom
		}
	}
	return r
}

// add has the messages of a subject erased, except the newest one. A nil eraser does
// nothing: its bucket does not permit erasing.
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

func (r *eraser) drain() map[string]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.waiting
	r.waiting = make(map[string]struct{})
	return taken
}

// run erases until ctx ends, and then what is left, within patience. What is still
// left after that the next start erases.
func (r *eraser) run(ctx context.Context) {
	for !r.findLeftovers(ctx) && wait(ctx, eraseAgain) {
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

// findLeftovers finds what earlier processes have left, and reports whether that was possible.
func (r *eraser) findLeftovers(ctx context.Context) bool {
	filter := r.records.subject + ">"
	last, err := r.records.lastOf(ctx, filter)
	if errors.Is(err, errNoRecord) {
		return true
	}
	seed, seen := maphash.MakeSeed(), make(map[uint64]struct{}) // two subjects with the same hash do no harm
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

// eraseAll erases the waiting subjects. A subject that fails waits again.
func (r *eraser) eraseAll(ctx context.Context) {
	subjects := r.drain()
	if len(subjects) == 0 {
		return
	}
	err := r.mark.begin()
	for subject := range subjects {
		if err == nil && !r.hasRoom() {
			err = errNoRoom
		}
		if err == nil {
			err = ctx.Err()
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
	if r.failure.set(err) && err != nil {
		r.log.Warn("jetstream: what was deleted or replaced is still in the files; it is erased when that is possible", "error", err)
	}
	if err != nil {
		wait(ctx, eraseAgain)
	}
}

// erase removes all messages of a subject except the newest one, and that too if it
// says that the record was deleted. It does not stop when ctx ends: of an erasure that
// was given up nobody knows whether it was done.
func (r *eraser) erase(ctx context.Context, subject string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
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
