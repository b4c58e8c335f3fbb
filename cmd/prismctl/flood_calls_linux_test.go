package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func callFloods() []flood {
	return []flood{
		{
			row: "Counts of wrong signatures", args: []string{"--trusted-proxies", "127.0.0.1"},
			bound: 2, pours: 2500 * 16_000 / 1e6, pour: wrongSignatures,
		},
		{row: "Signatures of calls that changed something", args: []string{"--limits-changes-per-key", "50"}, bound: 0.1, pour: changeMuch},
		{
			row: "Lists of records that are being read and answered", args: []string{"--data", "DIR", "--sync", "1s"},
			ready: makeRecords, pour: listMuch,
		},
	}
}

// wrongSignatures makes calls of ever new keys with long names from ever new
// addresses, then from one.
func wrongSignatures(x *flooded) {
	send := func(key, address string) int {
		req := x.request("POST", "/api/platform/notify/purge", url.Values{"client_id": {key}, "sign": {"x"}, "sign_time": {"1"}}.Encode())
		req.Header.Set("X-Forwarded-For", address)
		status, _ := x.send(req)
		return status
	}
	long := strings.Repeat("k", 16_000)
	for i := range 2500 {
		if status := send(fmt.Sprint(long, i), fmt.Sprintf("198.51.%d.%d", i/256, i%256)); status != http.StatusUnauthorized {
			x.t.Fatalf("answered with %d", status)
		}
	}
	refused := 0
	for range 1000 {
		if send("nobody", "192.0.2.1") == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		x.t.Error("an address may be wrong as often as it likes")
	}
}

// changeMuch makes calls that change something, or would.
func changeMuch(x *flooded) {
	refused := 0
	for i := range 200 {
		status, text := x.call("POST", "platform/app/delete", url.Values{"app_id": {"nothing"}, "nonce": {fmt.Sprint(i)}})
		switch status {
		case http.StatusNotFound:
		case http.StatusTooManyRequests:
			refused++
		default:
			x.t.Errorf("answered with %d: %s", status, text)
		}
	}
	if refused != 150 {
		x.t.Errorf("%d calls of 200 were refused, and 50 have room", refused)
	}
}

// makeRecords makes 30 apps whose records have 9 KiB.
func makeRecords(x *flooded) {
	patterns := `["` + strings.Join(strings.Fields(strings.Repeat(strings.Repeat("p", 250)+" ", 16)), `","`) + `"]`
	for i := range 30 {
		id := fmt.Sprint("app", i)
		x.call("POST", "platform/app/create", url.Values{"id": {id}, "name": {id}, "desc": {strings.Repeat("d", 1024)}})
		for _, what := range []string{"publish", "consume"} {
			if status, text := x.call("POST", "platform/manageapp/queue/"+what, url.Values{"app_id": {id}, "routing_key": {patterns}}); status != http.StatusOK {
				x.t.Fatalf("answered with %d: %s", status, text)
			}
		}
	}
}

// listMuch asks for all apps, by four at a time and then by 24, which may take three times as
// much. Each holds the records, what was read from them, its answer, and megabytes of
// the engine.
func listMuch(x *flooded) {
	before := x.peakMiB()
	x.list(4, 4)
	x.bound = 3 * float64(x.peakMiB()-before) / perMiB()
	x.list(24, 24)
}

// list asks for all apps n times, so many at a time.
func (x *flooded) list(n, atATime int) {
	var all sync.WaitGroup
	places := make(chan struct{}, atATime)
	for range n {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			if status, text := x.call("GET", "platform/app/list", nil); status != http.StatusOK {
				x.t.Errorf("answered with %d: %s", status, text)
			}
		})
	}
	x.passOn()
	all.Wait()
}

const (
	heldForms = 96
	listMiB   = 1 // of a list of the records that makeRecords makes, with the records
)

// holdForms has calls with forms wait for their turn, which comes when four callers
// before them have read their answers.
func holdForms(x *flooded) {
	for range 4 {
		conn := x.dial(true)
		const path = "/api/platform/app/list"
		fmt.Fprintf(conn, "GET %s?%s HTTP/1.1\r\nHost: x\r\n\r\n", path, signed("GET", path, nil, floodKey, floodSecret).Encode())
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			x.t.Fatal(err)
		}
	}
	const path = "/api/platform/app/list"
	form := signed("POST", path, url.Values{"pad": {strings.Repeat("p", 900_000)}}, floodKey, floodSecret).Encode()
	var refused, served atomic.Int32
	var all sync.WaitGroup
	for range heldForms {
		answered := make(chan struct{})
		all.Go(func() {
			defer close(answered)
			switch status, text := x.send(x.request("POST", path, form)); status {
			case http.StatusServiceUnavailable, 0: // cut off while it was written
				refused.Add(1)
			case http.StatusOK:
				served.Add(1)
			default:
				x.t.Errorf("answered with %d: %s", status, text)
			}
		})
		select { // alone, or it would make room for others while it is read
		case <-answered:
		case <-time.After(100 * time.Millisecond): // it waits for its turn
		}
	}
	x.await("forms to be refused", func() bool { return refused.Load() >= heldForms-4 })
	x.passOn()
	for _, conn := range x.conns {
		conn.Close()
	}
	all.Wait()
	if refused.Load()+served.Load() != heldForms || served.Load() == 0 {
		x.t.Errorf("%d forms were served, and %d were refused", served.Load(), refused.Load())
	}
}
