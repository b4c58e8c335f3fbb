package main

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
)

func channelFloods() []flood {
	return []flood{
		{
			row: "A message of the channel of which a part has arrived", args: []string{"--limits-max-body", "262144", "--limits-connections-per-key", "32"},
			bound: 32 * 0.25, pours: 32 * 2, pour: halfMessages,
		},
		{
			row:   "Data that waits for a peer of the channel that does not read",
			bound: 8 * 0.25, pours: 8 * pingsUnread * 127 / 1e6, pour: pingsWithoutReading,
		},
		{row: "Pings and pongs that keep the platform busy", pour: pingsInARow},
		{
			row: "Connections that say nothing", args: []string{"--limits-connections-per-key", "50"},
			bound: 50 * 0.128, pour: silentChannels,
		},
	}
}

// halfMessages begins messages that never end: first as large as they may be, then
// larger.
func halfMessages(x *flooded) {
	var all []*peer
	piece := make([]byte, 64<<10)
	for range 64 {
		p := x.join(nil, false)
		if p.status == http.StatusSwitchingProtocols {
			all = append(all, p)
			_, _ = p.Write(frame(frameData, false, piece[:60<<10]))
			for range 3 {
				_, _ = p.Write(frame(frameMore, false, piece))
			}
			continue
		}
		if p.status != http.StatusTooManyRequests {
			x.t.Errorf("a channel was refused with %d", p.status)
		}
	}
	if len(all) != 32 {
		x.t.Errorf("%d channels were opened, and a key may have 32", len(all))
	}
	x.passOn()
	for _, p := range all {
		for range 28 {
			if _, err := p.Write(frame(frameMore, false, piece)); err != nil {
				break
			}
		}
		if code := p.settled(); code != 1009 {
			x.t.Errorf("closed with %d", code)
		}
	}
}

const pingsUnread = 25_000

// pingsWithoutReading sends pings of 125 bytes on 8 connections, with commands
// between them, and reads no pong before the end.
func pingsWithoutReading(x *flooded) {
	var all []*peer
	for range 8 {
		all = append(all, x.opened(true))
	}
	text := make([]byte, 125)
	for first := 0; first < pingsUnread; first += 1000 {
		for _, p := range all {
			var batch []byte
			for i := range 1000 {
				binary.BigEndian.PutUint64(text, uint64(first+i))
				batch = append(append(batch, frame(framePing, true, text)...), frame(frameData, true, []byte{3})...)
			}
			if _, err := p.Write(batch); err != nil {
				x.t.Fatal(err)
			}
		}
	}
	x.passOn()
	for _, p := range all {
		pongs := 0
		for last := uint64(0); last != pingsUnread-1; pongs++ {
			op, payload, err := p.next()
			if err != nil || op != framePong {
				x.t.Fatal(op, err)
			}
			last = binary.BigEndian.Uint64(payload)
		}
		if pongs > pingsUnread/2 {
			x.t.Errorf("%d of %d pings were answered", pongs, pingsUnread)
		}
	}
}

// pingsInARow sends nothing but pings.
func pingsInARow(x *flooded) {
	for range 4 {
		p := x.opened(false)
		go func() {
			for {
				if _, err := p.Write(frame(framePing, true, nil)); err != nil {
					return
				}
			}
		}()
		code := 0
		for code == 0 {
			code = p.settled()
		}
		if code != 1008 {
			x.t.Errorf("closed with %d", code)
		}
		p.Close()
	}
}

// silentChannels opens channels with names of 64 bytes and says nothing.
func silentChannels(x *flooded) {
	live := 0
	for i := range 500 {
		p := x.join(url.Values{"consumer_id": {fmt.Sprintf("%064d", i)}}, false)
		switch p.status {
		case http.StatusSwitchingProtocols:
			live++
		case http.StatusTooManyRequests:
			p.Close()
		default:
			x.t.Errorf("a channel was refused with %d", p.status)
		}
	}
	if live != 50 {
		x.t.Errorf("%d channels were opened, and a key may have 50", live)
	}
	x.passOn()
}
