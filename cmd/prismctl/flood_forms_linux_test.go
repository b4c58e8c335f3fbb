package main

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

// A form that grows is there twice, then as a text, and then in parts. The last two
// share their bytes.
const grown = 4

func formFloods() []flood {
	small := []string{"--limits-request-body", "2000000", "--limits-forms-in-flight", "16777216", "--trusted-proxies", "127.0.0.1"}
	return []flood{
		{row: "A form that is being read", args: small, bound: 2 * grown, pours: 32 * 2, pour: halfForms},
		{row: "HTTP/2", args: append(small, "TLS"), bound: 2*grown + 8*(0.25+32*0.02), pours: 8 * 12, pour: halfStreams},
		{
			row: "Forms of calls that are being served", args: []string{"--data", "DIR", "--limits-request-body", "1000000", "--limits-forms-in-flight", "2000000"},
			bound: 2*2 + 1*grown + 4*listMiB, pours: heldForms * 0.9, ready: makeRecords, pour: holdForms,
		},
		{
			row: "Wrong passwords that are counted", args: []string{"--trusted-proxies", "127.0.0.1"},
			bound: 0.1, pours: 400 * loginBytes / 1e6, pour: wrongPasswords,
		},
		{row: "Login pages, and logins that were begun and not completed", bound: 0, pours: 3000 * stateBytes / 1e6, pour: beginLogins},
	}
}

// halfForms begins forms of 2 MB from 32 addresses, and sends all but the last byte
// of each.
func halfForms(x *flooded) {
	var refused atomic.Int32
	var all sync.WaitGroup
	const size = 2_000_000
	for i := range 32 {
		conn := x.dial(false)
		all.Go(func() {
			fmt.Fprintf(conn, "POST /api/nothing HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.%d\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", i, size)
			_, _ = conn.Write(make([]byte, size-1)) // fails when it is cut off
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil && resp.StatusCode == http.StatusServiceUnavailable {
				refused.Add(1)
			}
		})
	}
	x.await("forms to be refused", func() bool { return refused.Load() > 24 })
	if status, text := x.call("POST", "platform/notify/write", url.Values{"data": {strings.Repeat("x", 100<<10)}}); status != http.StatusOK {
		x.t.Errorf("an honest form was answered with %d: %s", status, text)
	}
	for _, conn := range x.conns {
		conn.Close()
	}
	all.Wait()
}

// A stream of HTTP/2 is what the frames of one number say.
const (
	h2Data     = 0
	h2Headers  = 1
	h2Reset    = 3
	h2Settings = 4
	h2GoAway   = 7

	h2EndHeaders = 4
)

func h2Frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	b = binary.BigEndian.AppendUint32(append(b, flags), stream)
	return append(b, payload...)
}

// beginForm begins a form as a stream, its header in literals.
func beginForm(stream uint32, host string) []byte {
	block := []byte{0x83, 0x87} // POST, https
	for _, field := range []struct {
		name  []byte // its index
		value string
	}{
		{[]byte{0x01}, host},
		{[]byte{0x04}, "/api/nothing"},
		{[]byte{0x0f, 0x10}, "application/x-www-form-urlencoded"},
	} {
		block = append(append(block, field.name...), byte(len(field.value)))
		block = append(block, field.value...)
	}
	return h2Frame(h2Headers, h2EndHeaders, stream, block)
}

// halfStreams opens 40 streams on each of 8 connections and sends 12 MiB of their
// bodies, whatever the platform has asked for.
func halfStreams(x *flooded) {
	var conns []*tls.Conn
	for range 8 {
		conn := tls.Client(x.dial(false), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		conns = append(conns, conn)
		batch := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), h2Frame(h2Settings, 0, 0, nil)...)
		for i := range uint32(40) {
			batch = append(batch, beginForm(2*i+1, x.address)...)
		}
		if _, err := conn.Write(batch); err != nil {
			x.t.Fatal(err)
		}
		for refused := 0; refused < 8; {
			kind, err := nextH2(conn)
			if err != nil || kind == h2GoAway {
				x.t.Fatalf("%d streams were refused before the end: %d, %v", refused, kind, err)
			}
			if kind == h2Reset {
				refused++
			}
		}
	}
	x.honest()
	piece := make([]byte, 16<<10)
	for _, conn := range conns {
		for i := range uint32(12 * 64) {
			if _, err := conn.Write(h2Frame(h2Data, 0, 2*(i%32)+1, piece)); err != nil {
				break // it was cut off
			}
		}
	}
}

// nextH2 reads a frame of the platform and returns of what kind it is.
func nextH2(conn io.Reader) (kind byte, err error) {
	var head [9]byte
	if _, err = io.ReadFull(conn, head[:]); err != nil {
		return 0, err
	}
	_, err = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[:])>>8))
	return head[3], err
}

const (
	loginBytes = 60_000
	stateBytes = 7000
)

// authorizePath is where a browser begins a login.
func authorizePath(state string) string {
	return "/oauth/authorize?" + url.Values{"client_id": {floodKey}, "redirect_uri": {"http://127.0.0.1/callback"}, "state": {state}}.Encode()
}

// logIn sends n login forms, so many at a time, each from an address of its own and of
// a login of its own. It returns how often each status was answered.
func (x *flooded) logIn(n, atATime int, login, password string) map[int]int {
	var mu sync.Mutex
	statuses := make(map[int]int)
	var all sync.WaitGroup
	places := make(chan struct{}, atATime)
	for i := range n {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			const token = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
			form := url.Values{"form_token": {token}, "login": {fmt.Sprint(login, i)}, "password": {password}}
			req := x.request("POST", authorizePath("x"), form.Encode())
			req.Header.Set("Cookie", "prism_form="+token)
			req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", i/256, i%256))
			status, _ := x.send(req)
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	all.Wait()
	return statuses
}

// wrongPasswords tries ever new logins with names that are long.
func wrongPasswords(x *flooded) {
	if statuses := x.logIn(400, 2, strings.Repeat("l", loginBytes), "p"); statuses[http.StatusUnauthorized] < 400 {
		x.t.Errorf("answered with %v", statuses)
	}
}

// beginLogins opens the login page for ever new logins.
func beginLogins(x *flooded) {
	state := strings.Repeat("s", stateBytes)
	for i := range 3000 {
		if status, text := x.send(x.request("GET", authorizePath(fmt.Sprint(state, i)), "")); status != http.StatusOK {
			x.t.Fatalf("answered with %d: %s", status, text)
		}
	}
}

// await waits for what a flood brings about, and has honest calls made meanwhile.
func (x *flooded) await(what string, done func() bool) {
	x.t.Helper()
	for end := time.Now().Add(patience.Of(20 * time.Second)); !done(); x.honest() {
		if time.Now().After(end) {
			x.t.Fatalf("waited in vain for %s", what)
		}
	}
}
