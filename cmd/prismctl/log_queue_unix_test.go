//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe whose reader never comes has room for 64 KiB.
func TestServingNeverWaitsForALog(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "access.pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, nil, "serve", "--listen", "127.0.0.1:0", "--output", "json", "--admin-listen", "127.0.0.1:0", "--access-log", pipe)
	var s served
	if err := json.Unmarshal([]byte(p.line()), &s); err != nil {
		t.Fatal(err)
	}
	path := "/" + strings.Repeat("x", loggedLength)
	get := func() {
		resp, err := http.Get(strings.TrimSuffix(s.URL, "/api") + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	lost := func() bool {
		_, text := ask(t, s.AdminURL+"/metrics")
		return metric(text, "prism_access_log_lost_total") != "0"
	}
	for !lost() {
		for range 100 {
			get()
		}
	}
	p.signal(syscall.SIGHUP)
	get()
	reader, err := os.OpenFile(pipe, os.O_RDONLY, 0) // somebody reads again, and learns what is missing
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	told := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"lines_lost"`) {
				told <- lines.Text()
				return
			}
		}
		told <- fmt.Sprint("the end: ", lines.Err())
	}()
	for line := ""; line == ""; {
		get()
		select {
		case line = <-told:
			if !strings.Contains(line, `"event":"lines_lost","lines":`) {
				t.Errorf("told %q", line)
			}
		default:
		}
	}
	p.signal(syscall.SIGTERM) // with a reader that stalls once more
	p.wants(exitDone)
}

// Standard error is a pipe that nobody reads.
func TestServingNeverWaitsForStandardError(t *testing.T) {
	reader, stalled, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer stalled.Close()
	p := startTo(t, stalled, nil, "serve", "--listen", "127.0.0.1:0", "--output", "json", "-v", "info")
	var s served
	if err := json.Unmarshal([]byte(p.line()), &s); err != nil {
		t.Fatal(err)
	}
	for range 6000 { // 400 bytes each
		resp, err := http.Get(strings.TrimSuffix(s.URL, "/api") + "/" + strings.Repeat("x", 256))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	p.signal(syscall.SIGTERM)
	p.wants(exitDone)
}
