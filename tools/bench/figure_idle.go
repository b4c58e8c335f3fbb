package main

import (
	"net/url"
	"runtime"
	"strconv"
	"time"

	"github.com/shopex/prism-go/sign"
)

// openIdleMemory has a platform of its own for each reading.
func openIdleMemory() (*meter, error) {
	read := func(n int) ([]float64, error) {
		bytes, err := idleMemory(n)
		return []float64{bytes / 1024}, err
	}
	return &meter{read: read, close: func() {}}, nil
}

// idleMemory returns the bytes of heap and stacks that a consumer's connection
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
	return float64(after-before) / float64(connections), nil
}

// signedTarget is the path and query of a handshake.
func signedTarget() string {
	const path = "/api/platform/notify"
	query := url.Values{"client_id": {benchKey}, "sign_method": {"md5"}, "sign_time": {strconv.FormatInt(time.Now().Unix(), 10)}}
	query.Set("sign", sign.Sign(benchSecret, sign.Request{Method: "GET", Path: path, Query: query}))
	return path + "?" + query.Encode()
}

func inUse() uint64 {
	var m runtime.MemStats
	for range 3 { // pools need two collections to become empty
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
