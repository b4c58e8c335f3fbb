package main

import (
	"bufio"

	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// peakMiB returns the largest resident memory that a process has had.
func (p *process) peakMiB() int {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(text)[0])
			if err != nil {
				p.t.Fatal(err)
			}
			return kib / 1024
		}
	}
	p.t.Fatal("no VmHWM")
	return 0
}

// raceFactor is how many times the memory the race detector needs.
func raceFactor() int {
	info, _ := debug.ReadBuildInfo()
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 8
	}
	return 1
}

// Headers of 60 KiB in short lines, of 400 requests at a time that never end:
// 600 MiB in memory.
func TestHeadersThatNeverEndTakeLittleMemoryAndKeepNobodyOut(t *testing.T) {
	p, env := serveProcess(t, "127.0.0.1:0")
	address := strings.TrimSuffix(strings.TrimPrefix(env[0], "PRISM_URL=http://"), "/api")
	before := p.peakMiB()
	var conns []net.Conn
	var lines strings.Builder
	for i := 0; lines.Len() < 60_000; i++ {
		fmt.Fprintf(&lines, "%x:\r\n", i)
	}
	for range 400 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n"+lines.String()) // fails when it is cut off
	}
	start(t, env, "queue", "status").wants(exitDone)
	for _, conn := range conns { // until each was cut off, or has waited for its end as long as it may
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		_, _ = conn.Read(make([]byte, 1))
	}
	if peak := p.peakMiB(); peak-before > 250*raceFactor() {
		t.Errorf("%d MiB before, %d MiB at most", before, peak)
	}
	p.signal(15)
	p.wants(exitDone)
}

func TestAHeaderHasAtMost64KiB(t *testing.T) {
	s := serve(t, nil)
	for size, status := range map[int]int{32 << 10: 404, 66 << 10: 431, 1 << 20: 431} {
		req, err := http.NewRequest("GET", strings.TrimSuffix(s.URL, "/api")+"/nothing", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Long", strings.Repeat("x", size))
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			if size < 1<<20 { // the answer may be lost while so much is written
				t.Errorf("%d bytes: %v", size, err)
			}
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%d bytes: status %d, want %d", size, resp.StatusCode, status)
		}
	}
	s.stop()
}

func TestConnectionsThatAreHeldOpenKeepNobodyOut(t *testing.T) {
	s := serve(t, nil, "--limits-connections", "20")
	address := strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/api")
	for i := range 60 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 { // half of them have had an answer
			fmt.Fprint(conn, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.do("queue status").want(t, exitDone, s.do("queue status").out, "")
	s.stop()
}
