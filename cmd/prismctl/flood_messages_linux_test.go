package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
)

func messageFloods() []flood {
	return []flood{
		{
			row: "Messages of one queue", args: []string{"--limits-max-bytes", "4194304"},
			bound: 4, pours: 48, pour: func(x *flooded) { x.overflow("a.x") },
		},
		{
			row: "Messages of all queues of a key", args: []string{"--limits-max-key-bytes", "4194304", "--bind", "a.#=a", "--bind", "b.#=b", "--bind", "c.#=c"},
			bound: 4, pours: 48, pour: func(x *flooded) { x.overflow("a.x", "b.x", "c.x") },
		},
		{
			row: "Messages of all keys", with: "in memory", args: []string{"--limits-max-all-bytes", "4194304"},
			bound: 4, pours: 48, pour: overflowOfManyKeys,
		},
		{
			row: "Messages of all keys", with: "with data", args: manyQueues(100, "--data", "DIR", "--sync", "1s", "--limits-max-all-messages", "20000"),
			bound: 20_000 * 128 / 1e6, pours: 640_000 * 48 / 1e6, pour: overflowOfEntries,
		},
		{
			// The engine has read the 48 MiB before, and its heap has grown of that: so the
			// deliveries are counted.
			row: "Deliveries that a consumer has not acknowledged", args: []string{"--data", "DIR", "--sync", "1s", "--limits-window-bytes", "1048576", "--limits-window", "1000"},
			bound: 8 * (1 + 0.25), ready: fillQueue, pour: consumeWithoutAcks,
		},
	}
}

// overflow publishes 96 messages of half a MiB, each as long as it is refused.
func (x *flooded) overflow(keys ...string) {
	x.t.Helper()
	refused := 0
	for i := range 96 {
		switch code := x.pour(keys[i%len(keys)], 1<<19, 1); code {
		case 0:
		case 1013:
			refused++
		default:
			x.t.Errorf("closed with %d", code)
		}
	}
	if refused < 88 {
		x.t.Errorf("%d messages of 96 were refused, and 8 have room", refused)
	}
	if status, text := x.call("POST", "platform/notify/write", url.Values{"data": {strings.Repeat("x", 1<<19)}, "routing_key": {keys[0]}}); status != http.StatusTooManyRequests {
		x.t.Errorf("a call was answered with %d: %s", status, text)
	}
}

// overflowOfManyKeys has 4 keys fill their own queues.
func overflowOfManyKeys(x *flooded) {
	client, err := prism.New(prism.Config{Server: x.URL, Key: floodKey, Secret: floodSecret, HTTPClient: x.client})
	if err != nil {
		x.t.Fatal(err)
	}
	app, err := admin.New(client).CreateApp(x.t.Context(), admin.NewApp{Name: "flood"})
	if err != nil {
		x.t.Fatal(err)
	}
	taken := 0
	for range 4 {
		key, err := admin.New(client).CreateKey(x.t.Context(), app.ID, admin.NewKey{})
		if err != nil {
			x.t.Fatal(err)
		}
		for range 24 {
			switch status, text := x.callAs(key.ID, key.Secret, "POST", "platform/notify/write", url.Values{"data": {strings.Repeat("x", 1<<19)}}); status {
			case http.StatusOK:
				taken++
			case http.StatusTooManyRequests:
			default:
				x.t.Errorf("answered with %d: %s", status, text)
			}
		}
	}
	if taken > 8 {
		x.t.Errorf("%d messages of half a MiB were taken by 4 MiB", taken)
	}
}

func manyQueues(n int, args ...string) []string {
	for i := range n {
		args = append(args, "--bind", fmt.Sprintf("all.#=%d", i))
	}
	return args
}

// overflowOfEntries publishes 6,400 messages, each to 100 queues. The bodies are
// on disk; what is in memory is that each queue has it.
func overflowOfEntries(x *flooded) {
	refused := 0
	for range 64 {
		if code := x.pour("all.x", 1, 100); code == 1013 {
			refused++
		} else if code != 0 {
			x.t.Errorf("closed with %d", code)
		}
	}
	if refused < 60 {
		x.t.Errorf("%d publishers of 64 were refused, and 2 have room", refused)
	}
}

// fillQueue has 48 MiB in the default queue.
func fillQueue(x *flooded) {
	for range 8 {
		if code := x.pour("a.x", 120<<10, 52); code != 0 {
			x.t.Fatalf("closed with %d", code)
		}
	}
}

// consumeWithoutAcks has 4 consumers that read, 4 that do not, and none that
// acknowledges.
func consumeWithoutAcks(x *flooded) {
	for i := range 8 {
		p := x.opened(i%2 == 0)
		_, _ = p.Write(append(frame(framePing, true, nil), frame(frameData, true, []byte{2})...))
		if i%2 == 1 {
			go func() {
				for {
					op, payload, err := p.next()
					if err != nil {
						return
					}
					if op == framePing { // or it would get nothing more
						_, _ = p.Write(frame(framePong, true, payload))
					}
				}
			}()
		}
	}
	unacknowledged := func() int {
		_, text := x.call("GET", "platform/notify/status", nil)
		var answer struct {
			Result struct{ Messages_unacknowledged int }
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			x.t.Fatal(err, text)
		}
		return answer.Result.Messages_unacknowledged
	}
	const fewest, most = 4 * 8, 8 * 9 // of 120 KiB in a MiB, and the one that reaches it
	x.await("the windows to be full", func() bool { return unacknowledged() >= fewest })
	x.passOn()
	if n := unacknowledged(); n > most {
		x.t.Errorf("%d messages are with the consumers, and %d have room", n, most)
	}
}

// passOn has a message go through a queue of its own.
func (x *flooded) passOn() {
	x.t.Helper()
	x.call("GET", "platform/notify/queue/create", url.Values{"topic": {"own"}})
	if status, text := x.call("POST", "platform/notify/write", url.Values{"topic": {"own"}, "data": {"hello"}}); status != http.StatusOK {
		x.t.Fatalf("an honest message was answered with %d: %s", status, text)
	}
	if _, text := x.call("GET", "platform/notify/read", url.Values{"topic": {"own"}}); !strings.Contains(text, "hello") {
		x.t.Fatalf("an honest message was lost: %s", text)
	}
}
