package main

import (
	"fmt"
	"runtime"
)

// A figure is what has a limit of its own instead of a floor.
type figure struct {
	name, unit string
	limit      float64 // 0 is none
}

// A gauge measures some figures together.
type gauge struct {
	figures []figure
	ops     int // in one measurement
	open    func() (*meter, error)
}

// A meter is a gauge that is ready. It reads a value for each figure.
type meter struct {
	read  func(n int) ([]float64, error)
	close func()
}

var gauges = []gauge{
	{figures: []figure{{"latency, p50", "µs", 0}, {"latency, p99", "µs", 0}}, ops: 1000, open: openLatency},
	{figures: []figure{{"a lone message beside bare frames", "µs more", 100}}, ops: 100, open: openLone},
	{figures: []figure{{"idle connection", "KiB", 40}}, ops: 500, open: openIdleMemory},
	{figures: idleSocketFigures(), ops: 500, open: openIdleSockets},
}

// measure returns how the readings of each figure lie.
func (g gauge) measure(rounds int) ([]spread, error) {
	m, err := g.open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.figures[0].name, err)
	}
	defer m.close()
	readings := make([][]float64, len(g.figures))
	for round := range rounds + 1 {
		runtime.GC()
		values, err := m.read(g.ops)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.figures[0].name, err)
		}
		if round == 0 { // it warms up
			continue
		}
		for i, v := range values {
			readings[i] = append(readings[i], v)
		}
	}
	spreads := make([]spread, len(readings))
	for i, values := range readings {
		spreads[i] = spreadOf(values)
	}
	return spreads, nil
}
