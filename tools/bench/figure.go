package main

import (
	"fmt"
	"runtime"
)

// A figure is what has a limit of its own instead of a floor.
type figure struct {
	name, unit string
	limit      float64 // 0 is none
	ops        int     // in one measurement
	open       func() (*meter, error)
}

// A meter is a figure that is ready to be read.
type meter struct {
	read  func(n int) (float64, error)
	close func()
}

var figures = []figure{
	{"latency, p50", "µs", 0, 1000, func() (*meter, error) { return openLatency(0.5) }},
	{"latency, p99", "µs", 0, 1000, func() (*meter, error) { return openLatency(0.99) }},
	{"a lone message beside bare frames", "µs more", 100, 100, openLone},
	{"a further queue, of 10", "% of a path", 10, 2000, func() (*meter, error) { return openFurther(inMemory, 10) }},
	{"a further queue, of 100", "% of a path", 10, 2000, func() (*meter, error) { return openFurther(inMemory, 100) }},
	{"a further queue, of 1,000", "% of a path", 10, 200, func() (*meter, error) { return openFurther(inMemory, 1000) }},
	{"a further queue, of 10, JetStream", "% of a path", 10, 2000, func() (*meter, error) { return openFurther(inJetStream, 10) }},
	{"a further queue, of 100, JetStream", "% of a path", 10, 2000, func() (*meter, error) { return openFurther(inJetStream, 100) }},
	{"a further queue, of 1,000, JetStream", "% of a path", 10, 200, func() (*meter, error) { return openFurther(inJetStream, 1000) }},
	{"log of a further queue", "bytes", 40, 2000, openFurtherLog},
	{"idle connection", "KiB", 40, 500, openIdleMemory},
}

// measure returns how the readings lie.
func (f figure) measure(rounds int) (spread, error) {
	m, err := f.open()
	if err != nil {
		return spread{}, fmt.Errorf("%s: %w", f.name, err)
	}
	defer m.close()
	var readings []float64
	for range rounds + 1 {
		runtime.GC()
		value, err := m.read(f.ops)
		if err != nil {
			return spread{}, fmt.Errorf("%s: %w", f.name, err)
		}
		readings = append(readings, value)
	}
	return spreadOf(readings[1:]), nil // the first one warms up
}

// missed returns which limit was missed by more than noise.
func (f figure) missed(got spread) (limits []string) {
	if got.exceeds(f.limit) {
		limits = append(limits, fmt.Sprintf("%.4g %s", f.limit, f.unit))
	}
	return limits
}
