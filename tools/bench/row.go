package main

// A row compares one kind of work with its floor.
type row struct {
	name, floor string
	ops         int // in one measurement

	// The targets; 0 is none. Those of allocations count the whole process,
	// so they are for rows whose server allocates nothing, or alike for both.
	ratio      float64 // of the times
	allocs     float64 // per operation
	allocRatio float64

	open   func() (*contest, error)
	grow   *growth  // instead of open
	beside *crowded // likewise
}

var rows = []row{
	{name: "consume", floor: "bare loop that reads and acks", ops: 100_000, ratio: 3, open: func() (*contest, error) { return openConsume(1) }},
	{name: "consume, 8 workers", floor: "bare loop that reads and acks", ops: 100_000, ratio: 3, open: func() (*contest, error) { return openConsume(8) }},
	{name: "consume, 8 workers to 1", floor: "one worker", ops: 100_000, ratio: 1, open: openWorkers},
	{name: "publish", floor: "bare loop that writes frames", ops: 200_000, ratio: 4, open: openPublish},
	{name: "confirm", floor: "ping of coder/websocket", ops: 2_000, ratio: 0.9, open: openConfirm},
	{name: "confirm, 64 callers to 1", floor: "one caller", ops: 16_000, ratio: 0.1, open: openCallers},
	{name: "sign", floor: "MD5 of the same bytes", ops: 50_000, ratio: min(2.6, 0.6*formerSign), allocs: 2, open: openSign},
	{name: "call", floor: "net/http, signed, with a Timeout", ops: 3_000, ratio: 1.05, allocRatio: 1.2, open: openCall},
	{name: "push", floor: "net/http alone", ops: 2_000, ratio: 2, open: func() (*contest, error) { return openPush(inMemory, 1) }},
	{name: "push, 8 workers", floor: "net/http alone, 8 at a time", ops: 4_000, ratio: 2, open: func() (*contest, error) { return openPush(inMemory, 8) }},
	{name: "push, 8 workers, JetStream", floor: "net/http alone, 8 at a time", ops: 4_000, ratio: 2, open: func() (*contest, error) { return openPush(inJetStream, 8) }},
	{name: "gateway", floor: "httputil.ReverseProxy", ops: 3_000, ratio: 1.25, open: openGateway},
	{name: "gateway, 10,000 APIs", floor: "10 APIs", ops: 3_000, ratio: 1.05, allocRatio: 1.05, open: func() (*contest, error) { return openManyAPIs(10_000) }},
	{name: "gateway, 64 MiB up", floor: "httputil.ReverseProxy", ops: 4, ratio: 1.1, open: openUpload},
	{name: "gateway, 64 MiB down", floor: "httputil.ReverseProxy", ops: 4, ratio: 1.1, open: openDownload},
	{name: "gateway, watched", floor: "nobody watches", ops: 3_000, ratio: 1.1, open: openWatchedCalls},
	{name: "path", floor: "both bare loops at once", ops: 30_000, ratio: 8, open: func() (*contest, error) { return openPath(inMemory, bothLoops) }},
	{name: "path, JetStream", floor: "JetStream without a platform", ops: 20_000, ratio: 1 / 0.6, open: func() (*contest, error) { return openPath(inJetStream, jetStreamAlone) }},
	{name: "path, watched", floor: "nobody watches", ops: 30_000, ratio: 1.1, open: func() (*contest, error) { return openWatchedPath(inMemory) }},
	{name: "another key", floor: "one key", ops: 30_000, ratio: 1.1, open: func() (*contest, error) { return openOther(inMemory) }},
	{name: "another key, JetStream", floor: "one key", ops: 20_000, ratio: 1.1, open: func() (*contest, error) { return openOther(inJetStream) }},
	{name: "bindings x 1,000", floor: "100 that match nothing", ops: 30_000, ratio: 1.1, beside: &crowded{100_000, inMemory}},
	{name: "bindings x 1,000, JetStream", floor: "100 that match nothing", ops: 20_000, ratio: 1.1, beside: &crowded{100_000, inJetStream}},
	{name: "10 KiB, synced", floor: "write and sync of 64 at a time", ops: 4096, ratio: 1 / 0.7, open: openSynced},
	{name: "connections x 10", floor: "100 that are idle", ops: 40_000, ratio: 1.1, grow: &growth{100, 1000, inMemory, openIdle}},
	{name: "depth x 100", floor: "1,000 messages in the queue", ops: 40_000, ratio: 1.1, grow: &growth{1000, 100_000, inMemory, openDepth}},
	{name: "topics x 10", floor: "100 that are bound", ops: 40_000, ratio: 1.1, grow: &growth{100, 1000, inMemory, openTopics}},
	{name: "connections x 10, JetStream", floor: "100 that are idle", ops: 40_000, ratio: 1.1, grow: &growth{100, 1000, inJetStream, openIdle}},
	{name: "depth x 100, JetStream", floor: "1,000 messages in the queue", ops: 40_000, ratio: 1.1, grow: &growth{1000, 100_000, inJetStream, openDepth}},
	{name: "topics x 10, JetStream", floor: "100 that are bound", ops: 40_000, ratio: 1.1, grow: &growth{100, 1000, inJetStream, openTopics}},
}

// start opens any kind of row.
func (r row) start() (*contest, error) {
	switch {
	case r.grow != nil:
		return r.grow.contest()
	case r.beside != nil:
		return r.beside.contest()
	}
	return r.open()
}
