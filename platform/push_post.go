package platform

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/push"
	"github.com/shopex/prism-go/internal/wire"
)

const (
	// pushBatch and pushBatchBytes bound what one receiver takes of its queue at a time.
	pushBatch      = 16
	pushBatchBytes = 256 << 10
	// pushPauses and pushPausesBytes bound the messages that one receiver holds while they
	// wait for their next attempts. Beyond that the messages behind them wait, too.
	pushPauses      = 256
	pushPausesBytes = 8 << 20
	// pushAcks bounds the acknowledgements that wait for the engine.
	pushAcks = 1024
	// From so many POSTs in a row on, or as many as there are workers, that found no
	// receiver, it is taken for one that does not work: it gets one message at a time,
	// with pauses up to the longest one.
	pushDown      = 5
	pushDownPause = 10 * time.Second
	// A receiver that answers works, and what it refuses may be the messages' fault. Only
	// when it has refused so many in a row at their first attempt it is taken for one that
	// does not work, too. The pauses are shorter then, for what waits behind many messages
	// that nobody can handle.
	pushRefused      = 32
	pushRefusedPause = time.Second
	// pushReread is how old a state of the key may be by which a message is pushed.
	pushReread = time.Second / 2
	// pushIdle is how long no message must come until a receiver stops to work.
	pushIdle = time.Second
	// pushAckTime is how long a receiver that ends waits for the engine to store its
	// acknowledgements.
	pushAckTime = 5 * time.Second
)

// pushing is the work of a receiver. Its goroutine takes messages, and starts the POSTs.
type pushing struct {
	*receiver
	ctx     context.Context // of the POSTs
	taking  context.Context // ends the taking of messages and the pauses
	end     context.CancelCauseFunc
	to      *url.URL
	group   sync.WaitGroup
	changed chan struct{} // gets one when what room and enter wait for may be so

	holder *holder // as last read; nil before that
	readAt time.Time

	mu          sync.Mutex // guards what follows, and the writing of holder
	backlog     []Lease    // what no worker has begun yet
	active      int        // POSTs under way, or workers
	paused      int        // messages between two attempts
	pausedBytes int64
	failures    int       // POSTs in a row that found no receiver
	refusals    int       // messages in a row that were refused at their first attempt
	quiet       time.Time // until when none begins
	acks        []uint64  // to be sent
	acking      bool      // a goroutine sends some
}

// errEnded is returned when a receiver is to end.
var errEnded = errors.New("platform: the receiver is to end")

// run pushes until there is nothing left to do for a while.
func (w *pushing) run(leases []Lease) (err error) {
	for err == nil && leases != nil {
		if w.workers > 1 {
			err = w.together(leases)
		} else {
			err = w.inOrder(leases)
		}
		if err == nil {
			leases, err = w.fetch()
		}
	}
	return err
}

// spawn runs task in a goroutine of the group.
func (w *pushing) spawn(task func()) { w.group.Go(func() { w.guard(task) }) }

// guard runs task. After a panic in it no further messages are taken.
func (w *pushing) guard(task func()) {
	if err := w.guarded(task); err != nil {
		w.end(err)
	}
}

// fetch waits for more messages. It returns none when there is nothing left to do for a
// while.
func (w *pushing) fetch() ([]Lease, error) {
	for w.await(w.room) {
		ctx, cancel := context.WithTimeout(w.taking, pushIdle)
		leases, err := w.consumer.Fetch(ctx, w.batch(), pushBatchBytes)
		cancel()
		switch {
		case err == nil:
			return leases, nil
		case !errors.Is(err, context.DeadlineExceeded) || w.taking.Err() != nil:
			return nil, err
		case w.idle():
			return nil, nil
		case w.behind():
			return []Lease{}, nil
		}
	}
	return nil, errEnded
}

func (w *pushing) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active == 0 && w.paused == 0 && len(w.backlog) == 0 && !w.acking && time.Since(w.quiet) > pushDownPause
}

// behind reports whether a backlog waits for workers, as those that there were have ended
// after failures.
func (w *pushing) behind() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.backlog) > 0
}

// inOrder pushes one message after the other. One that failed goes back with all those
// behind it when its pause is over, so that it stays the first.
func (w *pushing) inOrder(leases []Lease) error {
	for i, l := range leases {
		if !w.await(w.enter) {
			return errEnded
		}
		err := w.refresh()
		again := err == nil && w.post(l)
		w.leave()
		switch {
		case err != nil:
			return err
		case again && !waitFor(w.taking, push.Pause(l.Attempt)):
			return errEnded
		case again:
			return w.consumer.Return(w.ctx, idsOf(leases[i:])...)
		}
	}
	return nil
}

// together gives messages to the workers, and returns when there are fewer left than
// workers, so that further ones are fetched in time.
func (w *pushing) together(leases []Lease) error {
	w.mu.Lock()
	w.backlog = append(w.backlog, leases...)
	w.mu.Unlock()
	for {
		if err := w.refresh(); err != nil {
			w.mu.Lock()
			w.backlog = nil
			w.mu.Unlock()
			return err
		}
		switch started, ok := w.startWorker(); {
		case !ok:
			return errEnded
		case !started:
			return nil
		}
	}
}

// startWorker waits until a worker begins with a message, or none is needed: because the
// backlog is empty, or because as many work as may, and will soon have taken all of it.
func (w *pushing) startWorker() (started, ok bool) {
	var l Lease
	ok = w.await(func() (bool, time.Duration) {
		if len(w.backlog) == 0 {
			return true, 0
		}
		may, later := w.enter()
		if may {
			l, started = w.take(), true
		}
		return may || w.active > 0 && len(w.backlog) < w.workers && !w.down(), later
	})
	if started {
		w.spawn(func() { w.worker(l) })
	}
	return started, ok
}

// worker pushes l, and then what is left of the backlog. While the receiver does not work
// it is one message, as the next one has to wait.
func (w *pushing) worker(l Lease) {
	defer w.leave()
	for ok := w.taking.Err() == nil; ok; l, ok = w.nextOfBacklog() {
		w.attempt(l)
	}
}

// attempt posts a message, and again after a pause if it has to be.
func (w *pushing) attempt(l Lease) {
	if w.post(l) {
		w.addPaused(1, l.Message.Size())
		w.spawn(func() { w.pause(l) })
	}
}

func (w *pushing) nextOfBacklog() (l Lease, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.backlog) == 0 || w.down() || w.taking.Err() != nil {
		return Lease{}, false
	}
	return w.take(), true
}

// take takes the first message of the backlog.
func (w *pushing) take() Lease {
	l := w.backlog[0]
	w.backlog[0] = Lease{}
	if w.backlog = w.backlog[1:]; len(w.backlog) < w.workers {
		w.wake()
	}
	return l
}

// refresh reads the key again if it was read a while ago. While the store fails, the last
// known state holds.
func (w *pushing) refresh() error {
	if w.holder != nil && time.Since(w.readAt) < pushReread && !w.holder.over(w.p.expiry()) {
		return nil
	}
	h, err := w.read(w.holder)
	if errors.Is(err, errNoPush) || err != nil && w.holder == nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.holder = h
	}
	w.readAt = time.Now()
	return nil
}

// secrets returns those that sign now.
func (w *pushing) secrets(now time.Time) []push.Secret {
	w.mu.Lock()
	h := w.holder
	w.mu.Unlock()
	return h.key.Push.secrets(now)
}

// actor returns for whom messages are posted, and where to.
func (w *pushing) actor() actor {
	w.mu.Lock()
	defer w.mu.Unlock()
	return actor{holder: w.holder, remote: w.to.Host}
}

// post posts one message, and reports whether it has to be posted again.
func (w *pushing) post(l Lease) (again bool) {
	m, now := l.Message, w.p.cfg.Now()
	delivery := deliveryOf(m)
	delivery.Attempt = l.Attempt
	body := wire.AppendUTF8(nil, &delivery)
	began := time.Now()
	status, err := w.p.pushers.client.Post(w.ctx, w.to, push.Message{ID: delivery.ID, Body: body, Secrets: w.secrets(now), At: now})
	if err != nil && w.ctx.Err() != nil {
		return false // it was cut, which says nothing about the message; Close returns it
	}
	e := PushEvent{Key: w.key, Message: m, Attempt: l.Attempt, Status: status, Err: err, Host: w.to.Host, Took: time.Since(began)}
	if err == nil {
		w.ack(l.ID)
	} else {
		e.Parked, again = w.fail(l, err)
	}
	w.note(e)
	w.p.posted(w.actor(), e)
	return again
}

// fail counts an attempt. A message that is not parked by that has to be posted again.
func (w *pushing) fail(l Lease, reason error) (parked, again bool) {
	gone, err := w.consumer.Fail(w.ctx, reason.Error(), l.ID)
	if err != nil {
		w.breakOff(err)
		return false, false
	}
	parked = len(gone) > 0
	w.p.failed(w.actor(), FailEvent{Key: w.key, ID: l.Message.ID, RoutingKey: l.Message.Key, Attempt: l.Attempt, Reason: reason.Error()})
	if parked {
		w.p.parked(w.actor(), ParkEvent{Key: w.key, ID: l.Message.ID, RoutingKey: l.Message.Key, Attempts: l.Attempt, Reason: reason.Error(), By: pusherName(w.url)})
	}
	return parked, !parked
}

// note remembers how a POST has ended.
func (w *pushing) note(e PushEvent) {
	s := w.state
	s.status.Store(int32(e.Status))
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Err == nil {
		s.delivered.Add(1)
		if s.since.Store(0); s.told {
			s.told = false
			w.p.cfg.Logger.Info("pushing works again", slog.String("key", w.key), slog.String("receiver", w.to.Host))
		}
		w.failures, w.refusals, w.quiet = 0, 0, time.Time{}
		return
	}
	s.failed.Add(1)
	reason := e.Err.Error()
	s.reason.Store(&reason)
	s.since.CompareAndSwap(0, max(1, w.p.cfg.Now().Unix()))
	if !s.told && time.Since(s.warned) >= time.Minute {
		s.told, s.warned = true, time.Now()
		w.p.cfg.Logger.Warn("pushing fails", slog.String("key", w.key), slog.String("receiver", w.to.Host), slog.Any("error", e.Err))
	}
	w.slowDown(e)
}

// slowDown takes note of a failure, and sets a pause for all messages if the receiver does
// not work.
func (w *pushing) slowDown(e PushEvent) {
	if noReceiver(e.Status) {
		w.failures++
	} else if w.failures = 0; e.Attempt == 1 {
		w.refusals++
	}
	longest := pushDownPause
	if w.failures < max(pushDown, w.workers) {
		longest = pushRefusedPause
	}
	if w.down() {
		n := max(w.failures-max(pushDown, w.workers), w.refusals-max(pushRefused, w.workers))
		w.quiet = time.Now().Add(min(push.Pause(n+1), longest))
	}
}

// noReceiver reports whether a status, or 0 for none, says that the message was not looked
// at.
func noReceiver(status int) bool {
	switch status {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// down reports whether the receiver is taken for one that does not work.
func (w *pushing) down() bool {
	return w.failures >= max(pushDown, w.workers) || w.refusals >= max(pushRefused, w.workers)
}

// pause holds a message until its next attempt, and puts it back into the queue then.
func (w *pushing) pause(l Lease) {
	defer w.addPaused(-1, -l.Message.Size())
	if !waitFor(w.taking, push.Pause(l.Attempt)) {
		return
	}
	if err := w.consumer.Return(w.ctx, l.ID); err != nil {
		w.breakOff(err)
	}
}

func (w *pushing) addPaused(n int, bytes int64) {
	w.mu.Lock()
	w.paused += n
	w.pausedBytes += bytes
	w.mu.Unlock()
	w.wake()
}

// await waits until ready, and reports whether the receiver is to go on. ready is called
// with mu held, and may say when it has to be asked again.
func (w *pushing) await(ready func() (ok bool, later time.Duration)) bool {
	for w.taking.Err() == nil {
		w.mu.Lock()
		ok, later := ready()
		w.mu.Unlock()
		if ok {
			return true
		}
		var timer <-chan time.Time
		if later > 0 {
			timer = time.After(later)
		}
		select {
		case <-w.changed:
		case <-timer:
		case <-w.taking.Done():
		}
	}
	return false
}

// room reports whether further messages may be fetched.
func (w *pushing) room() (bool, time.Duration) {
	return w.paused < pushPauses && w.pausedBytes < pushPausesBytes && len(w.acks) < pushAcks, 0
}

// enter begins a POST, if one may begin.
func (w *pushing) enter() (bool, time.Duration) {
	most := w.workers
	if w.down() {
		most = 1
	}
	if w.active >= most {
		return false, 0
	}
	if later := time.Until(w.quiet); later > 0 {
		return false, later
	}
	w.active++
	return true, 0
}

// leave ends what enter began.
func (w *pushing) leave() {
	w.mu.Lock()
	w.active--
	w.mu.Unlock()
	w.wake()
}

func (w *pushing) wake() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// ack acknowledges a message soon, with all others that have come until then: an engine
// that syncs takes as long for many as for one.
func (w *pushing) ack(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acks = append(w.acks, id)
	if !w.acking {
		w.acking = true
		w.spawn(w.sendAcks)
	}
}

// sendAcks goes on when the receiver has ended, for a while: what was delivered should not
// come again.
func (w *pushing) sendAcks() {
	for {
		w.mu.Lock()
		ids := w.acks
		w.acks, w.acking = nil, len(ids) > 0
		w.mu.Unlock()
		w.wake()
		if len(ids) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), pushAckTime)
		err := w.consumer.Ack(ctx, ids...)
		cancel()
		if err != nil {
			w.breakOff(err)
		}
	}
}

// breakOff ends the work with this consumer, as the engine does not store what happened.
// What the consumer holds comes again.
func (w *pushing) breakOff(err error) {
	if w.ctx.Err() != nil {
		return
	}
	w.end(err)
	_ = w.consumer.Close()
}
