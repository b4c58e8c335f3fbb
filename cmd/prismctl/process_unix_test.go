//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

// A process is prismctl in a process of its own.
type process struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	end io.Closer // of out
	err *buffer
}

// start starts prismctl. It is killed with the test.
func start(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	return startTo(t, nil, env, args...)
}

// startTo starts prismctl with a standard error of its own.
func startTo(t testing.TB, stderr *os.File, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], args...), err: new(buffer)}
	p.cmd.Env = []string{asProgram + "=1", "GORACE=atexit_sleep_ms=0"}
	if len(args) > 0 && args[0] == "serve" {
		p.cmd.Env = append(p.cmd.Env, "PRISM_LOG=warn") // so that the tests see whether there was trouble
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr = p.err
	if stderr != nil {
		p.cmd.Stderr = stderr
	}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out, p.end = in, bufio.NewReader(out), out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// line returns the next line of output, which has to come within 20 seconds on a quiet
// machine.
func (p *process) line() string {
	p.t.Helper()
	stuck := time.AfterFunc(patience.Of(20*time.Second), func() { _ = p.cmd.Process.Kill() })
	line, err := p.out.ReadString('\n')
	if !stuck.Stop() || err != nil {
		p.t.Fatalf("%v prints no line: %v\n%s", p.cmd.Args[1:], err, p.err.String())
	}
	return line
}

// wait returns the exit status, which has to come within 20 seconds on a quiet machine, or
// minus the signal that killed the process.
func (p *process) wait() int {
	p.t.Helper()
	stuck := time.AfterFunc(patience.Of(20*time.Second), func() { _ = p.cmd.Process.Kill() })
	err := p.cmd.Wait()
	if !stuck.Stop() {
		p.t.Fatalf("%v does not end\n%s", p.cmd.Args[1:], p.err.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return -int(status.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

// serveProcess starts a platform and returns it with what clients need.
func serveProcess(t *testing.T, listen string, env ...string) (*process, []string) {
	t.Helper()
	p := start(t, env, "serve", "--listen", listen, "--output", "json")
	var s served
	if err := json.Unmarshal([]byte(p.line()), &s); err != nil {
		t.Fatal(err)
	}
	return p, []string{"PRISM_URL=" + s.URL, "PRISM_KEY=" + s.Key, "PRISM_SECRET=" + s.Secret}
}

func (p *process) wants(status int) {
	p.t.Helper()
	if got := p.wait(); got != status {
		p.t.Errorf("%v: exit status %d, want %d\n%s", p.cmd.Args[1:], got, status, p.err.String())
	}
}

// body is that of the delivery in a line of consume.
func body(t *testing.T, line string) string {
	t.Helper()
	body, _ := parsed(t, line)[0]["body"].(string)
	return body
}

func TestSignalsEndServeAndConsumeCleanly(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		platform, env := serveProcess(t, "127.0.0.1:0")
		consumer := start(t, env, "consume")
		counting := start(t, env, "consume", "orders", "--create", "-n", "2")
		start(t, env, "publish", "a", "x").wants(exitDone)
		start(t, env, "queue", "write", "--topic", "orders", "x").wants(exitDone)
		consumer.line()
		counting.line()
		consumer.signal(s)
		consumer.wants(exitDone)
		counting.signal(s)
		counting.wants(exitInterrupted)
		left := start(t, env, "consume")
		start(t, env, "publish", "a", "x").wants(exitDone)
		left.line()
		platform.signal(s)
		platform.wants(exitDone)
		left.signal(s)
		left.wants(exitDone)
		if got := platform.err.String() + consumer.err.String(); got != "" {
			t.Errorf("somebody complained: %s", got)
		}
	}
}

func TestADrainIsToldBeforeItBegins(t *testing.T) {
	p := start(t, nil, "serve", "--listen", "127.0.0.1:0", "--output", "json", "--admin-listen", "127.0.0.1:0", "--drain-delay", "1h")
	var s served
	if err := json.Unmarshal([]byte(p.line()), &s); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	for status := 0; status != http.StatusServiceUnavailable; {
		status, _ = ask(t, s.AdminURL+"/readyz")
	}
	s.do("publish order.new x").want(t, exitDone, "", "1 message confirmed")
	p.signal(syscall.SIGKILL)
	p.wants(-int(syscall.SIGKILL))
}

func TestConsumeAndPublishHealWhenThePlatformIsKilledAndComesBack(t *testing.T) {
	platform, env := serveProcess(t, "127.0.0.1:0")
	listen := strings.TrimSuffix(strings.TrimPrefix(env[0], "PRISM_URL=http://"), "/api")
	consumer := start(t, env, "consume")
	publisher := start(t, env, "publish", "a", "--lines")
	fmt.Fprintln(publisher.in, "one")
	if got := body(t, consumer.line()); got != "one" {
		t.Errorf("printed %q", got)
	}
	platform.signal(syscall.SIGKILL)
	platform.wants(-int(syscall.SIGKILL))
	fmt.Fprintln(publisher.in, "two")
	publisher.in.Close()
	again, _ := serveProcess(t, listen, env...)
	for got := ""; got != "two"; { // "one" may come again: nobody says that its ack had arrived
		got = body(t, consumer.line())
	}
	publisher.wants(exitDone)
	if got := publisher.err.String(); !strings.Contains(got, "connected again\n2 messages confirmed\n") {
		t.Errorf("publish said %q", got)
	}
	consumer.signal(syscall.SIGINT)
	consumer.wants(exitDone)
	again.signal(syscall.SIGTERM)
	again.wants(exitDone)
}

func TestConsumeNoticesAPlatformThatIsStopped(t *testing.T) {
	platform, env := serveProcess(t, "127.0.0.1:0")
	consumer := start(t, env, "consume", "--ping", "100ms")
	start(t, env, "publish", "a", "one").wants(exitDone)
	consumer.line()
	platform.signal(syscall.SIGSTOP)
	for !strings.Contains(consumer.err.String(), "the platform answers no ping") {
		time.Sleep(time.Millisecond) // there is no event to wait for: standard error is a file
	}
	platform.signal(syscall.SIGCONT)
	start(t, env, "publish", "a", "two").wants(exitDone)
	for got := ""; got != "two"; {
		got = body(t, consumer.line())
	}
	consumer.signal(syscall.SIGTERM)
	consumer.wants(exitDone)
	platform.signal(syscall.SIGTERM)
	platform.wants(exitDone)
}

func TestWhatABrokenPipeLosesIsNotAcknowledged(t *testing.T) {
	platform, env := serveProcess(t, "127.0.0.1:0")
	consumer := start(t, env, "consume")
	start(t, env, "publish", "a", "one").wants(exitDone)
	consumer.line()
	consumer.end.Close()
	start(t, env, "publish", "a", "two").wants(exitDone)
	consumer.wants(exitRefused)
	if got := consumer.err.String(); !strings.Contains(got, "broken pipe") {
		t.Errorf("consume said %q", got)
	}
	next := start(t, env, "consume", "-n", "1")
	if got := body(t, next.line()); got != "two" {
		t.Errorf("the next consumer got %q", got)
	}
	next.wants(exitDone)
	platform.signal(syscall.SIGTERM)
	platform.wants(exitDone)
}

func TestTheSecondSignalDoesNotWait(t *testing.T) {
	platform, env := serveProcess(t, "127.0.0.1:0")
	address := strings.TrimSuffix(strings.TrimPrefix(env[0], "PRISM_URL=http://"), "/api")
	// A call whose form does not come is waited for a while. By the answer
	// to its Expect the platform is at it, and not only the kernel.
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /api/platform/notify/purge HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\n")
	line, err := bufio.NewReader(slow).ReadString('\n')
	if err != nil || !strings.Contains(line, "100") {
		t.Fatalf("the platform answered %q, %v", line, err)
	}
	platform.signal(syscall.SIGTERM)
	for { // until the first signal has closed the listener
		conn, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		conn.Close()
	}
	ended := make(chan int, 1)
	go func() { ended <- platform.wait() }()
	for again := time.NewTicker(10 * time.Millisecond); ; { // those of the first half second do nothing
		select {
		case status := <-ended:
			if status != exitInterrupted {
				t.Errorf("exit status %d", status)
			}
			return
		case <-again.C:
			_ = platform.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
}

func TestASignalThatIsSentTwiceIsOne(t *testing.T) {
	platform, _ := serveProcess(t, "127.0.0.1:0")
	platform.signal(syscall.SIGTERM)
	_ = platform.cmd.Process.Signal(syscall.SIGTERM)
	platform.wants(exitDone)
}
