package main

import (
	"net/url"
	"runtime"
	"strconv"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/sign"
)

// idleMemory returns the bytes of heap and stacks that a consumer's connection
// takes on the platform while nothing happens. The bare client at its other
// end, in the same process, is counted too: a socket and no goroutine.
func idleMemory(connections int) (float64, error) {
	s, err := openStation(inMemory, connections)
	if err != nil {
		return 0, err
	}
	defer s.close()
	clients := make([]*bare, 0, connections)
	defer func() {
		for _, b := range clients {
			b.conn.Close()
		}
	}()
	before := inUse()
	for range connections {
		b, err := dial(s.server.Listener.Addr().String(), signedTarget())
		if err != nil {
			return 0, err
		}
		clients = append(clients, b)
		if err := b.subscribe(); err != nil {
			return 0, err
		}
	}
	after := inUse()
	return float64(after-before) / float64(connections), nil
}

// subscribe consumes the default queue and knows that the platform has heard.
func (b *bare) subscribe() error {
	command, err := wire.AppendConsume(nil, "")
	if err != nil {
		return err
	}
	b.out = appendMasked(b.out, opBinary, b.keys.next(), command)
	defer func() { b.out = nil }()
	return b.ping()
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
