package platform

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/internal/curves"
)

// The curves of queues are in the store, too, a record for each series. Every process that
// shares the store counts the same queues, so one of them saves: the first that no other
// one keeps from it.

const (
	kindQueueStats = "queueStats" // of a series
	kindQueueSaver = "queueSaver" // the process that saves

	curveTurn  = 6  // as many samples are a turn, in which some of the series are saved
	curveTurns = 15 // in which each is saved once
)

// A curveSaver saves the curves of queues. Only the goroutine that counts uses it.
type curveSaver struct {
	saveTry
	kept    *curves.Curves
	loaded  bool
	samples int
	renewed time.Time // when it was last sure that it is the one that saves; zero if it is not
}

// load loads what was saved, unless that was done.
func (s *curveSaver) load(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	records, err := s.store().List(ctx, kindQueueStats)
	if err != nil {
		return err
	}
	now := s.p.cfg.Now()
	for _, record := range records {
		if _, alive, err := curves.SavedName(record.Value, now); err == nil && alive {
			_ = s.kept.Load(record.Value, now) // which is as SavedName has read it
		}
	}
	s.loaded = true
	return nil
}

// step saves the series whose turn it is.
func (s *curveSaver) step(ctx context.Context) error {
	if s.samples++; s.samples%curveTurn != 0 {
		return nil
	}
	if saves, err := s.own(ctx); !saves {
		return err
	}
	turn := s.samples / curveTurn % curveTurns
	for i, name := range s.kept.Names() {
		if i%curveTurns != turn {
			continue
		}
		if err := s.save(ctx, name); err != nil {
			return err
		}
	}
	if turn == 0 {
		return s.prune(ctx)
	}
	return nil
}

// finish saves everything, and lets the next process save.
func (s *curveSaver) finish(ctx context.Context) error {
	if saves, err := s.own(ctx); !saves {
		return err
	}
	err := inParallel(ctx, s.kept.Names(), s.save)
	if err == nil {
		err = s.prune(ctx)
	}
	if err != nil || !s.p.cfg.Gateway.Shared {
		return err
	}
	return s.claim(ctx, time.Time{})
}

func queueStatsID(name curves.Name) string {
	return digest(name.Domain + "\x00" + name.Key + "\x00" + name.Topic)
}

// save stores a series, if it has changed since it was stored.
func (s *curveSaver) save(ctx context.Context, name curves.Name) error {
	text, changed := s.kept.Save(name)
	if !changed {
		return nil
	}
	err := replaceRecord(ctx, s.store(), kindQueueStats, queueStatsID(name), text, 0)
	if err != nil {
		s.kept.Unsaved(name)
	}
	return err
}

// prune deletes the records of series that are gone, and those of another format.
func (s *curveSaver) prune(ctx context.Context) error {
	records, err := s.store().List(ctx, kindQueueStats)
	if err != nil {
		return err
	}
	for _, name := range s.kept.Names() {
		delete(records, queueStatsID(name))
	}
	for id := range records {
		if err := s.store().Delete(ctx, kindQueueStats, id); err != nil {
			return err
		}
	}
	return nil
}

// own reports whether this process is the one that saves. It saves nothing before it has
// loaded what was saved, again where another one may have saved meanwhile.
func (s *curveSaver) own(ctx context.Context) (bool, error) {
	if err := s.load(ctx); err != nil {
		return false, err
	}
	now := s.p.cfg.Now()
	since := now.Sub(s.renewed)
	if !s.p.cfg.Gateway.Shared || since < slotRenew/2 {
		return true, nil
	}
	err := s.claim(ctx, now.Add(slotLife))
	if errors.Is(err, errSlotTaken) {
		s.renewed = time.Time{}
		return false, nil
	}
	if err == nil && since >= slotLife {
		s.loaded = false
		err = s.load(ctx)
	}
	if err == nil {
		s.renewed = now
	}
	return err == nil, err
}

// claim makes this process the one that saves until then.
func (s *curveSaver) claim(ctx context.Context, until time.Time) error {
	now, owner := s.p.cfg.Now(), s.p.calls.name
	return putRecord(ctx, s.store(), kindQueueSaver, "", func(old *callSlot) (*callSlot, error) {
		if old != nil && old.Owner != owner && now.Before(old.Until) {
			return nil, errSlotTaken
		}
		return &callSlot{owner, until}, nil
	})
}
