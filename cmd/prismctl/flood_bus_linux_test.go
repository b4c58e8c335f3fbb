package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/internal/wire"
)

func busFloods() []flood {
	unbounded := []string{"--limits-max-key-bytes=-1", "--limits-max-all-bytes=-1", "--limits-max-fan-out", "1000"}
	data := []string{"--data", "DIR", "--sync", "1s"}
	const log = 96 // of the engine: the newest messages, and blocks of the log that were just written
	return []flood{
		{
			row: "Messages of one queue", with: "a thousand queues that drop", args: manyQueues(1000, "--limits-max-messages", "10", "--limits-max-key-bytes=-1", "--limits-max-all-bytes=-1"),
			bound: 10*0.25 + 1000*10*128/1e6, pours: manyDrops * 0.25, pour: dropMuch,
		},
		{
			row: "Messages of one queue", with: "a thousand queues that drop, with data", args: manyQueues(1000, append(data, "--limits-max-messages", "10", "--limits-max-key-bytes=-1")...),
			bound: log, pour: dropMuch,
		},
		{
			row: "Parked messages of one queue", args: []string{"--limits-max-parked-bytes", "4194304"},
			bound: 4 + 0.25, pours: manyDrops * 0.25, pour: parkMuch,
		},
		{
			row: "Parked messages of one queue", with: "with data", args: append(data, "--limits-max-parked-bytes", "4194304"),
			bound: log, pour: parkMuch,
		},
		{
			row: "Queues that one message goes to", args: manyQueues(1000, unbounded...),
			bound: 20 + 1000*20*128/1e6, pours: 1000 * 20, pour: fanOut,
		},
		{
			row: "Queues that one message goes to", with: "with data", args: manyQueues(1000, append(data, unbounded...)...),
			bound: log + 20 + 1000*20*128/1e6, pours: 1000 * 20, pour: fanOut,
		},
		{
			row: "Queues of a key, and their bindings", args: []string{"--limits-max-topics", "100", "--limits-max-bindings", "1000"},
			bound: 2, pour: bindMuch,
		},
		{
			row: "Queues of a key, and their bindings", with: "with data", args: append(data, "--limits-max-topics", "100", "--limits-max-bindings", "1000"),
			bound: 2, pour: bindMuch,
		},
		{row: "Queues that a connection consumes", bound: 20 * 64 * 0.008, pour: consumeMuch},
		{
			row: "Messages of the channel that wait to be stored", args: []string{"--limits-max-body", "262144"},
			bound: 16 * 2 * 0.75, pours: 16 * 8, pour: publishMuch,
		},
		{
			row: "Answers of `notify/read` that are not written yet", with: "peeks", args: []string{"--limits-forms-in-flight", "16777216"},
			bound: 16, pours: 32 * 6, pour: peekUnread,
		},
	}
}

// another makes a key without bindings, which publishes to the queues of the first.
func (x *flooded) another() *admin.Key {
	x.t.Helper()
	client, err := prism.New(prism.Config{Server: x.URL, Key: floodKey, Secret: floodSecret, HTTPClient: x.client})
	if err != nil {
		x.t.Fatal(err)
	}
	app, err := admin.New(client).CreateApp(x.t.Context(), admin.NewApp{Name: "flood", Publish: []string{"#"}})
	if err != nil {
		x.t.Fatal(err)
	}
	key, err := admin.New(client).CreateKey(x.t.Context(), app.ID, admin.NewKey{Bindings: []string{}})
	if err != nil {
		x.t.Fatal(err)
	}
	return key
}

// manyDrops is how many messages of a quarter MiB are enough to exceed what is allowed, if
// nothing of them is dropped.
const manyDrops = 120

// dropMuch publishes manyDrops messages to a thousand queues that have room for ten.
func dropMuch(x *flooded) {
	publisher := x.another()
	body := strings.Repeat("x", 1<<18)
	began := time.Now()
	for range manyDrops {
		if status, text := x.callAs(publisher.ID, publisher.Secret, "POST", "platform/notify/write", url.Values{"data": {body}, "routing_key": {"all.x"}}); status != http.StatusOK {
			x.t.Fatalf("answered with %d: %s", status, text)
		}
	}
	if _, text := x.call("GET", "platform/notify/status", url.Values{"topic": {"7"}}); !strings.Contains(text, fmt.Sprintf(`"Dropped":%d,`, manyDrops-10)) {
		x.t.Errorf("a queue has not dropped %d: %s", manyDrops-10, text)
	}
	minutes := 1 + int(time.Since(began)/time.Minute)
	if lines := strings.Count(x.err.String(), "is full and drops"); lines == 0 || lines > 1000*minutes {
		x.t.Errorf("there are %d lines about a thousand queues in %d minutes", lines, minutes)
	}
}

// parkMuch parks manyDrops messages in a queue that keeps the 16 newest of them.
func parkMuch(x *flooded) {
	body := strings.Repeat("x", 1<<18-64)
	for i := range manyDrops {
		_, text := x.call("POST", "platform/notify/write", url.Values{"data": {body}})
		_, id, _ := strings.Cut(text, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		if status, text := x.call("POST", "platform/notify/queue/park", url.Values{"id": {id}, "reason": {fmt.Sprint(i)}}); status != http.StatusOK || !strings.Contains(text, `"messages":1`) {
			x.t.Fatalf("answered with %d: %s", status, text)
		}
	}
	x.honest()
	if _, text := x.call("GET", "platform/notify/status", nil); !strings.Contains(text, fmt.Sprintf(`"Messages_parked":16,"Parked_dropped":%d`, manyDrops-16)) {
		x.t.Errorf("after parking %d: %s", manyDrops, text)
	}
}

// fanOut publishes large messages to as many queues as one may go to.
func fanOut(x *flooded) {
	if status, text := x.call("POST", "platform/notify/routing/set", url.Values{"topic": {"one-more"}, "routing_key": {"all.*"}}); status == http.StatusOK {
		x.t.Errorf("a queue beyond the bound is bound: %s", text)
	}
	publisher := x.another()
	body := strings.Repeat("x", 1<<20-64)
	for range 20 {
		status, text := x.callAs(publisher.ID, publisher.Secret, "POST", "platform/notify/write", url.Values{"data": {body}, "routing_key": {"all.x"}})
		if status != http.StatusOK || !strings.Contains(text, `"queues":1000`) {
			x.t.Fatalf("answered with %d: %s", status, text)
		}
		x.honest()
	}
}

// bindMuch makes queues with long names, and bindings of four long words, as long as
// that is refused.
func bindMuch(x *flooded) {
	made, bound := 0, 0
	for i := range 200 {
		if status, _ := x.call("GET", "platform/notify/queue/create", url.Values{"topic": {fmt.Sprintf("%0250d", i)}}); status == http.StatusOK {
			made++
		}
	}
	for i := range 2000 {
		words := make([]string, 4)
		for n := range words {
			words[n] = fmt.Sprintf("%060d", 4*i+n)
		}
		if status, _ := x.call("POST", "platform/notify/routing/set", url.Values{"topic": {""}, "routing_key": {strings.Join(words, ".")}}); status == http.StatusOK {
			bound++
		}
	}
	if made != 100 || bound == 0 || bound > 1000 {
		x.t.Errorf("%d queues and %d bindings were made", made, bound)
	}
}

// consumeMuch consumes 70 queues on each of 20 connections.
func consumeMuch(x *flooded) {
	for range 20 {
		p := x.opened(false)
		for i := range 70 {
			command, err := wire.AppendConsume(nil, fmt.Sprint(i))
			if err != nil {
				x.t.Fatal(err)
			}
			_, _ = p.Write(frame(frameData, true, command))
			if i == 63 {
				_, _ = p.Write(frame(framePing, true, nil))
				if code := p.settled(); code != 0 {
					x.t.Fatalf("closed with %d", code)
				}
			}
		}
	}
}

// publishMuch publishes much at a time to a queue that keeps little.
func publishMuch(x *flooded) {
	if status, text := x.call("POST", "platform/notify/queue/limit", url.Values{"max_messages": {"8"}, "overflow": {"drop-oldest"}}); status != http.StatusOK {
		x.t.Fatalf("answered with %d: %s", status, text)
	}
	message := publishFrame("a.x", bytes.Repeat([]byte{'x'}, 64<<10))
	var all []*peer
	for range 16 {
		all = append(all, x.opened(false))
	}
	for range 128 {
		for _, p := range all {
			if _, err := p.Write(message); err != nil {
				x.t.Fatal(err)
			}
		}
	}
	x.honest()
	for _, p := range all {
		_, _ = p.Write(frame(framePing, true, nil))
		if code := p.settled(); code != 0 {
			x.t.Errorf("closed with %d", code)
		}
	}
}

// peekUnread looks at messages whose bytes are escaped, and reads no answer.
func peekUnread(x *flooded) {
	p := x.opened(false)
	for range 8 {
		if _, err := p.Write(publishFrame("a.x", bytes.Repeat([]byte{1}, 1<<20-64))); err != nil {
			x.t.Fatal(err)
		}
	}
	_, _ = p.Write(frame(framePing, true, nil))
	if code := p.settled(); code != 0 {
		x.t.Fatalf("closed with %d", code)
	}
	for range 32 {
		const path = "/api/platform/notify/peek"
		fmt.Fprintf(x.dial(true), "GET %s?%s HTTP/1.1\r\nHost: x\r\n\r\n", path, signed("GET", path, url.Values{"num": {"9"}}, floodKey, floodSecret).Encode())
	}
	x.await("peeks to be refused", func() bool {
		status, _ := x.call("GET", "platform/notify/peek", nil)
		return status == http.StatusServiceUnavailable
	})
	other := x.another()
	if status, text := x.callAs(other.ID, other.Secret, "GET", "platform/notify/read", nil); status != http.StatusOK {
		x.t.Errorf("another key was answered with %d: %s", status, text)
	}
}
