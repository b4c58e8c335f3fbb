package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go/internal/calls"
)

// The statistics of calls are in the store, too: a record for each series of each process.
// A process owns a slot, and goes on with what an earlier owner of the slot has counted.
// Alone it has always the same slot; where others share the store, it takes the first one
// that no other process renews. Answers add the records of the other slots.

const (
	kindCallStats = "callStats" // of a series in a slot
	kindCallSlot  = "callSlot"

	saveEvery = 10 * time.Second
	saveRound = 30              // each series is saved in one of so many turns
	slotLife  = 3 * time.Minute // for which a slot is owned that is not renewed
	slotRenew = time.Minute
	mostSlots = 1000
	statsLife = 30 * 24 * time.Hour
)

// callSaver saves the statistics of calls. Only the goroutine of run uses it, except for
// what is said.
type callSaver struct {
	saveTry
	l       *callLog
	slot    string
	loaded  bool
	turn    int
	renewed time.Time

	owned chan string // has the slot, once its records are loaded; any goroutine may look
}

func (s *callSaver) init(l *callLog) {
	s.p, s.what = l.p, "calls"
	s.l, s.owned = l, make(chan string, 1)
}

// ownSlot returns the slot whose records are in memory, or "".
func (s *callSaver) ownSlot() string {
	select {
	case slot := <-s.owned:
		s.owned <- slot
		return slot
	default:
		return ""
	}
}

// run loads what was saved, and saves what is counted until ctx ends, and then once more.
func (s *callSaver) run(ctx context.Context) {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		s.try(ctx, s.step)
		select {
		case <-ticker.C:
			continue
		case <-ctx.Done():
		}
		s.try(context.Background(), s.finish)
		return
	}
}

// step saves the part of the series whose turn it is.
func (s *callSaver) step(ctx context.Context) error {
	if err := s.own(ctx); err != nil {
		return err
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	s.turn++
	names := s.l.stats.Load().Names()
	for i := range names {
		if i%saveRound != s.turn%saveRound {
			continue
		}
		if err := s.save(ctx, names[i]); err != nil {
			return err
		}
	}
	if s.turn%saveRound == 0 {
		return s.forget(ctx)
	}
	return nil
}

// finish saves everything, and gives the slot to the next process.
func (s *callSaver) finish(ctx context.Context) error {
	if err := s.own(ctx); err != nil {
		return err
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	err := inParallel(ctx, s.l.stats.Load().Names(), s.save)
	if err != nil || !s.p.cfg.Gateway.Shared {
		return err
	}
	return s.claim(ctx, s.slot, time.Time{})
}

func callStatsName(slot string, name calls.Series) string {
	return fmt.Sprintf("%s\x00%s\x00%s\x00%s", slot, name.Domain, name.Kind, name.Name)
}

// save stores a series, if it has had calls since it was stored.
func (s *callSaver) save(ctx context.Context, name calls.Series) error {
	stats := s.l.stats.Load()
	text, changed := stats.Save(name, s.p.cfg.Now())
	if !changed {
		return nil
	}
	err := replaceRecord(ctx, s.store(), kindCallStats, digest(callStatsName(s.slot, name)), text, 0)
	if err != nil {
		stats.Unsaved(name)
	}
	return err
}

// load adds the records of the slot to what was counted, once.
func (s *callSaver) load(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	records, err := s.store().List(ctx, kindCallStats)
	if err != nil {
		return err
	}
	now := s.p.cfg.Now()
	for id, record := range records {
		name, last, err := calls.Saved(record.Value)
		switch {
		case err != nil || last.Before(now.Add(-statsLife)): // of another version, or nobody's any more
			s.store().Delete(ctx, kindCallStats, id)
		case id == digest(callStatsName(s.slot, name)):
			if err := s.l.stats.Load().Load(record.Value, now); err != nil {
				return err
			}
		}
	}
	s.loaded = true
	s.owned <- s.slot
	return nil
}

// forget removes series that had no calls for long.
func (s *callSaver) forget(ctx context.Context) error {
	for _, name := range s.l.stats.Load().Forget(s.p.cfg.Now().Add(-statsLife)) {
		if err := s.store().Delete(ctx, kindCallStats, digest(callStatsName(s.slot, name))); err != nil {
			return err
		}
	}
	return nil
}

// A callSlot is the owner of a slot.
type callSlot struct {
	Owner string
	Until time.Time
}

var errSlotTaken = errors.New("platform: another process has the slot")

// own takes a slot, or renews it. When another process has taken it, as this one has not
// renewed it for long, what was counted there is that one's.
func (s *callSaver) own(ctx context.Context) error {
	if !s.p.cfg.Gateway.Shared {
		s.slot = "0"
		return nil
	}
	now := s.p.cfg.Now()
	if s.slot != "" && now.Sub(s.renewed) < slotRenew {
		return nil
	}
	if s.slot != "" {
		err := s.claim(ctx, s.slot, now.Add(slotLife))
		if !errors.Is(err, errSlotTaken) {
			return err
		}
		if s.loaded {
			<-s.owned
		}
		s.slot, s.loaded = "", false
		s.l.stats.Store(calls.NewStats())
	}
	for i := range mostSlots {
		slot := fmt.Sprint(i)
		err := s.claim(ctx, slot, now.Add(slotLife))
		if errors.Is(err, errSlotTaken) {
			continue
		}
		if err == nil {
			s.slot = slot
		}
		return err
	}
	return errSlotTaken
}

// claim makes this process the owner of a slot until then.
func (s *callSaver) claim(ctx context.Context, slot string, until time.Time) error {
	now := s.p.cfg.Now()
	err := putRecord(ctx, s.store(), kindCallSlot, slot, func(old *callSlot) (*callSlot, error) {
		if old != nil && old.Owner != s.l.name && now.Before(old.Until) {
			return nil, errSlotTaken
		}
		if old != nil && old.Owner != s.l.name && s.slot == slot { // it was another one's meanwhile
			return nil, errSlotTaken
		}
		return &callSlot{s.l.name, until}, nil
	})
	if err == nil {
		s.renewed = now
	}
	return err
}
