// Package nginx starts an nginx for a test.
package nginx

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Address returns an address of this machine at which nothing listens.
func Address(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Start starts an nginx that has this server block, and returns when it listens at the
// address. It reports whether one is installed. It ends with the test.
func Start(t testing.TB, address, server string) bool {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Log("!!! WITHOUT NGINX: what needs it is not tried; install nginx-light")
		return false
	}
	log := new(bytes.Buffer)
	nginx := exec.Command(program, "-e", "stderr", "-c", configured(t, server))
	nginx.Stderr = log
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = nginx.Wait() }()
	t.Cleanup(func() {
		_ = nginx.Process.Signal(os.Interrupt)
		<-ended
	})
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return true
		}
		select {
		case <-ended:
			t.Fatalf("nginx: %s", log)
		case <-time.After(time.Millisecond): // there is no event of its listening
		}
	}
}

// configured returns the name of a file with the configuration around a server block.
func configured(t testing.TB, server string) string {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	if os.Geteuid() == 0 {
		b.WriteString("user root;\n")
	}
	fmt.Fprintf(&b, "daemon off;\nworker_processes 1;\npid %s/pid;\nevents {}\nhttp {\naccess_log off;\n", dir)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	b.WriteString(server + "}\n")
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
