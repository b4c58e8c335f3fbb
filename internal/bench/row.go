package main

import "slices"

// A row compares one kind of work with its floor, or with a rival.
type row struct {
	name, floor string
	ops         int // in one measurement

	// The targets; 0 is none. Those of allocations count the whole process,
	// so they are for rows whose server allocates nothing.
	ratio      float64 // of the times
	allocs     float64 // per operation
	allocRatio float64

	open func() (*contest, error)
}

// A contest is the two sides of a row, ready to run. Each does n operations
// and returns when the last is complete.
type contest struct {
	ours, floor func(n int) error
	close       func()
}

var rows = []row{
	{name: "consume", floor: "bare loop that reads and acks", ops: 100_000, ratio: 4, open: func() (*contest, error) { return openConsume(1) }},
	{name: "consume, 8 workers", floor: "bare loop that reads and acks", ops: 100_000, ratio: 4, open: func() (*contest, error) { return openConsume(8) }},
	{name: "consume, 8 workers to 1", floor: "one worker", ops: 100_000, open: openWorkers},
	{name: "publish", floor: "bare loop that writes frames", ops: 200_000, ratio: 4, open: openPublish},
	{name: "confirm", floor: "ping round trip", ops: 2_000, open: openConfirm},
	{name: "confirm, 64 callers", floor: "asynchronous publish", ops: 64_000, open: openCallers},
	{name: "sign", floor: "MD5 of the same bytes", ops: 50_000, ratio: 2, allocs: 2, open: openSign},
	{name: "sign, short values", floor: "MD5 of the same bytes", ops: 50_000, allocs: 2, open: openSignShort},
	{name: "call", floor: "net/http", ops: 3_000, ratio: 1.05, open: openCall},
	{name: "call, bare server", floor: "net/http", ops: 3_000, allocRatio: 1.2, open: openBareCall},
	{name: "path", floor: "both bare loops at once", ops: 30_000, open: openPath},
}

// A table is rows that are printed together.
type table struct {
	title   string
	against string // what the other side of its rows is
	rows    []row
}

var tables = []table{
	{"against the least that is needed", "floor", rows},
	{"sockets side by side", "rival", socketRows},
}

func allRows() []row { return slices.Concat(rows, socketRows) }
