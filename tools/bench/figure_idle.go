package main

import "runtime"

// openIdleMemory has a platform of its own for each reading.
func openIdleMemory() (*meter, error) { return &meter{read: idleMemory, close: func() {}}, nil }

// idleMemory returns the KiB of heap and stacks that a consumer's connection
// takes on the platform while nothing happens. The bare client at its other
// end, in the same process, is counted too: a socket and no goroutine.
func idleMemory(connections int) (float64, error) {
	s, err := openStation(inMemory, connections)
	if err != nil {
		return 0, err
	}
	defer s.close()
	c := &crowd{station: s}
	defer c.leave()
	before := inUse()
	if err := c.set(connections); err != nil {
		return 0, err
	}
	after := inUse()
	return float64(after-before) / 1024 / float64(connections), nil
}

func inUse() uint64 {
	var m runtime.MemStats
	for range 3 { // pools need two collections to become empty
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
