package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

func connFloods() []flood {
	return []flood{
		{row: "Connections", args: []string{"--limits-connections", "64"}, bound: 64 * 0.128, pour: holdOpen},
		{row: "Connections to `admin-listen`", args: []string{"--admin-listen", "127.0.0.1:0"}, bound: 128 * 0.128, pour: holdAdminOpen},
		{
			row: "Lines that wait to be written to a log", stuck: true,
			args:  []string{"--access-log", "PIPE", "--admin-listen", "127.0.0.1:0", "-v", "debug", "--log-format", "json"},
			bound: 2 * 2, // what is being written and what waits
			pours: (4000*7000 + 3000*1000) / 1e6, pour: logMuch,
		},
	}
}

// holdOpen opens 640 connections, half of them with half a header.
func holdOpen(x *flooded) {
	others := x.sockets()
	for i := range 640 {
		conn := x.dial(false)
		if i%2 == 0 {
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
			_, _ = conn.Write(make([]byte, 2<<10)) // half of what each may have
		}
	}
	x.honest()
	if n := x.sockets(); n > others+64 {
		x.t.Errorf("%d connections are open, and there may be 64", n-others)
	}
}

func holdAdminOpen(x *flooded) {
	others := x.sockets()
	main := x.address
	x.address = x.AdminURL[len("http://"):]
	for range 640 {
		x.dial(false)
	}
	x.address = main
	if status, _ := ask(x.t, x.AdminURL+"/readyz"); status != http.StatusOK {
		x.t.Errorf("/readyz answers with %d", status)
	}
	if n := x.sockets(); n > others+128 {
		x.t.Errorf("%d connections are open, and there may be 128", n-others)
	}
}

// logMuch makes 4,000 calls whose lines in the access log are long, as each byte is written
// as six, and publishes 3,000 messages with such lines in the other log.
func logMuch(x *flooded) {
	path, agent := "/", ""
	for range loggedLength {
		path, agent = path+"%01", agent+"\xff"
	}
	for range 4000 {
		req := x.request("GET", path, "")
		req.Header.Set("User-Agent", agent)
		if status, text := x.send(req); status != http.StatusNotFound {
			x.t.Fatalf("answered with %d: %s", status, text)
		}
	}
	message := url.Values{"routing_key": {strings.Repeat("\u2028", 85)}, "data": {"x"}}
	for range 3000 {
		if status, text := x.call("POST", "platform/notify/write", message); status != http.StatusOK {
			x.t.Fatalf("answered with %d: %s", status, text)
		}
	}
	_, text := ask(x.t, x.AdminURL+"/metrics")
	for _, name := range []string{"prism_access_log_lost_total", "prism_log_lost_total"} {
		if metric(text, name) == "0" || metric(text, name) == "" {
			x.t.Errorf("%s is %q", name, metric(text, name))
		}
	}
}
