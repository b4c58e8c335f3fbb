package main

import (
	"fmt"
	"runtime"
	"time"
)

// A sample is one measurement of one side, per operation.
type sample struct {
	ns, allocs float64
}

// A result is what the rounds of a row came to.
type result struct {
	ours, floor sample // medians
	spread             // of the ratios of the rounds
}

// measure runs both sides in turn. The ratio is taken within each round, so
// that what else the machine does meanwhile touches both its parts.
func (r row) measure(rounds int) (result, error) {
	c, err := r.start()
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", r.name, err)
	}
	defer c.close()
	var ours, floor []sample
	for round := range rounds + 1 {
		o, f, err := c.round(r.ops, round%2 == 0)
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", r.name, err)
		}
		if round > 0 { // the first one warms up
			ours, floor = append(ours, o), append(floor, f)
		}
	}
	return summary(ours, floor), nil
}

// round measures each side once; which comes first alternates.
func (c *contest) round(n int, oursFirst bool) (ours, floor sample, err error) {
	for _, side := range []bool{oursFirst, !oursFirst} {
		taken := &floor
		if side {
			taken = &ours
		}
		if *taken, err = c.take(side, n); err != nil {
			break
		}
	}
	return ours, floor, err
}

// side returns what is measured, ready to run.
func (c *contest) side(ours bool) (run func(n int) error, err error) {
	if c.ready != nil {
		err = c.ready(ours)
	}
	if ours {
		return c.ours, err
	}
	return c.floor, err
}

// take starts with a clean heap, so that neither side pays for the other's
// garbage.
func (c *contest) take(ours bool, n int) (sample, error) {
	run, err := c.side(ours)
	if err != nil {
		return sample{}, err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	err = run(n)
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return sample{
		ns:     float64(took) / float64(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
	}, err
}

func summary(ours, floor []sample) result {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i].ns / floor[i].ns
	}
	return result{ours: middle(ours), floor: middle(floor), spread: spreadOf(ratios)}
}

// middle returns the median of each value.
func middle(samples []sample) sample {
	median := func(of func(sample) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = of(s)
		}
		return spreadOf(values).mid
	}
	return sample{
		ns:     median(func(s sample) float64 { return s.ns }),
		allocs: median(func(s sample) float64 { return s.allocs }),
	}
}

// allocSlack is what the process allocates beside the work, per operation:
// timers, the collector, a pool that it has emptied.
const allocSlack = 0.05

// missed returns which targets were missed by more than noise.
func (r row) missed(got result) (targets []string) {
	if got.exceeds(r.ratio) {
		targets = append(targets, fmt.Sprintf("ratio %.4g", r.ratio))
	}
	if r.allocs > 0 && got.ours.allocs > r.allocs+allocSlack {
		targets = append(targets, fmt.Sprintf("%g allocations", r.allocs))
	}
	if r.allocRatio > 0 && got.ours.allocs > r.allocRatio*got.floor.allocs+allocSlack {
		targets = append(targets, fmt.Sprintf("%g x the allocations", r.allocRatio))
	}
	return targets
}
