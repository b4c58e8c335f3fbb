//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"encoding/json"

	"github.com/shopex/prism-go/sign"
)

// BenchmarkIdleConsumers tells what the process of a platform needs for each of
// so many connections that consume an empty queue: memory that is resident,
// and CPU time while nothing happens.
func BenchmarkIdleConsumers(b *testing.B) {
	for _, kept := range []bool{false, true} {
		for _, n := range []int{500, 5000} {
			b.Run(fmt.Sprintf("data=%v/connections=%d", kept, n), func(b *testing.B) {
				for range b.N {
					idleConsumers(b, n, kept)
				}
			})
		}
	}
}

func idleConsumers(b *testing.B, n int, kept bool) {
	env := []string{"PRISM_KEY=buwb2lii", "PRISM_SECRET=ucr72ygfutspqeuu6s36"}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--output", "json", "--limits-connections-per-key", "100000"}
	if kept {
		args = append(args, "--data", filepath.Join(b.TempDir(), "data"))
	}
	p := start(b, env, args...)
	var s served
	if err := json.Unmarshal([]byte(p.line()), &s); err != nil {
		b.Fatal(err)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/api")
	before := gauge1(b, s.AdminURL, "process_resident_memory_bytes")
	conns := make([]net.Conn, 0, n)
	for range n {
		conns = append(conns, consumeRaw(b, address))
	}
	after := gauge1(b, s.AdminURL, "process_resident_memory_bytes")
	b.ReportMetric((after-before)/float64(n)/1024, "KiB-resident/conn")
	b.ReportMetric((gauge1(b, s.AdminURL, "go_memstats_heap_alloc_bytes")+gauge1(b, s.AdminURL, "go_memstats_stack_inuse_bytes"))/float64(n)/1024, "KiB-in-use/conn")
	cpu := gauge1(b, s.AdminURL, "process_cpu_seconds_total")
	time.Sleep(10 * time.Second) // the time in which nothing happens
	b.ReportMetric((gauge1(b, s.AdminURL, "process_cpu_seconds_total")-cpu)*100, "ms-cpu/s")
	for _, conn := range conns {
		conn.Close()
	}
	p.signal(syscall.SIGTERM)
	p.wants(exitDone)
	runtime.KeepAlive(conns)
}

// consumeRaw opens a channel as a client does and consumes the default queue.
func consumeRaw(t testing.TB, address string) net.Conn {
	t.Helper()
	const path = "/api/platform/notify"
	query := url.Values{"client_id": {"buwb2lii"}, "sign_method": {"md5"}, "sign_time": {strconv.FormatInt(time.Now().Unix(), 10)}}
	query.Set("sign", sign.Sign("ucr72ygfutspqeuu6s36", sign.Request{Method: "GET", Path: path, Query: query}))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s?%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path, query.Encode())
	in := bufio.NewReaderSize(conn, 512)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(err, resp)
	}
	// A ping, and the consumption of the default queue, masked with zeros.
	if _, err := conn.Write([]byte{0x89, 0x80, 0, 0, 0, 0, 0x82, 0x81, 0, 0, 0, 0, 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(in, make([]byte, 2)); err != nil { // the pong
		t.Fatal(err)
	}
	return conn
}

// gauge1 returns the value of a metric without labels.
func gauge1(t testing.TB, url, name string) float64 {
	t.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
