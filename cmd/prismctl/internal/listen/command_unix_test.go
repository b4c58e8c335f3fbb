//go:build unix

package listen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
)

// A screen can be written by several goroutines.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestACommandGetsTheMessageAndNoSecret(t *testing.T) {
	var out screen
	environ := append(os.Environ(), "PRISM_URL=http://p", "PRISM_KEY=k", "PRISM_SECRET=s3cret", "PRISM_TOKEN=s3cret", "prism_admin_secret=s3cret", "PRISM_NATS=nats://u:s3cret@n", "OTHER=o")
	c := Command(`cat; echo; env | grep -i ^prism_ | sort; echo "$OTHER"`, environ, time.Minute, &out)
	a := Attempt{Attempt: 3}
	d := &notify.Delivery{ID: order.ID, Key: "a\x00b", ContentType: order.ContentType, Time: order.Time, App: order.App, ClientID: order.ClientID, Body: order.Body}
	if err := c.deliver(t.Context(), d, &a); err != nil || a.Exit == nil || *a.Exit != 0 {
		t.Fatalf("%v, %+v", err, a)
	}
	want := `{"id": 7}
PRISM_APP=the shop
PRISM_ATTEMPT=3
PRISM_CLIENT_ID=buwb2lii
PRISM_CONTENT_TYPE=application/json
PRISM_ID=1c9b-7
PRISM_KEY=k
PRISM_ROUTING_KEY=a` + "\uFFFD" + `b
PRISM_TIME=1400568648
PRISM_URL=http://p
o
`
	if got := out.String(); got != want {
		t.Errorf("the command printed %s", got)
	}
}

func TestACommandFailsInOneSentence(t *testing.T) {
	for script, want := range map[string]string{
		"exit 3": "the command ended with exit status 3",
		"echo no paper >&2; printf '\\n\\n'; exit 75": "the command ended with exit status 75: no paper",
		"kill -9 $$":  "the command ended with signal: killed",
		"/nowhere/at": "the command ended with exit status 127: ",
	} {
		var a Attempt
		err := Command(script, os.Environ(), time.Minute, new(screen)).deliver(t.Context(), order, &a)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
		if status, ok := strings.CutPrefix(want, "the command ended with exit status "); ok && (a.Exit == nil || !strings.HasPrefix(status, fmt.Sprint(*a.Exit))) {
			t.Errorf("%s: exit %v", script, a.Exit)
		}
	}
}

// A command that neither reads its body nor ends what it has started is done when it ends.
func TestACommandIsDoneWhenItEnds(t *testing.T) {
	d := &notify.Delivery{Body: make([]byte, 1<<20)}
	began := time.Now()
	if err := Command("sleep 5 & exit 0", os.Environ(), time.Minute, new(screen)).deliver(t.Context(), d, new(Attempt)); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > patience.Of(3*time.Second) {
		t.Errorf("it took %v", took)
	}
}

// What has not ended in time, or when listening ends, is killed with all that it has
// started.
func TestACommandThatHangsIsEndedWithAllThatItStarted(t *testing.T) {
	for name, c := range map[string]struct {
		until, timeout time.Duration
		want           string
	}{
		"time-out": {time.Minute, 200 * time.Millisecond, "the command took longer than 200ms (--timeout), and was ended"},
		"the end":  {200 * time.Millisecond, time.Minute, context.DeadlineExceeded.Error()},
	} {
		ctx, stop := context.WithTimeout(t.Context(), c.until)
		fifo := filepath.Join(t.TempDir(), "held")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		released := make(chan error, 1)
		go func() {
			_, err := os.ReadFile(fifo) // until the last process that has it has ended
			released <- err
		}()
		began := time.Now()
		err := Command("exec 3>"+fifo+"; sleep 60 & sleep 60", os.Environ(), c.timeout, new(screen)).deliver(ctx, order, new(Attempt))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
		select {
		case err := <-released:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience.Of(10 * time.Second)):
			t.Fatalf("%s: what the command has started lives on", name)
		}
		if took := time.Since(began); took > patience.Of(2*time.Second) {
			t.Errorf("%s: it took %v", name, took)
		}
		stop()
	}
}

// Whoever has the output of listen may have stopped reading.
func TestACommandWhoseOutputNobodyReadsEndsWithListening(t *testing.T) {
	reader, out := io.Pipe()
	defer reader.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		_, _ = reader.Read(make([]byte, 1)) // the rest of the line is never read
		stop()
	}()
	ended := make(chan error, 1)
	go func() { ended <- Command("yes", os.Environ(), time.Minute, out).deliver(ctx, order, new(Attempt)) }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("deliver: %v", err)
		}
	case <-time.After(patience.Of(10 * time.Second)):
		t.Error("the command is still waited for")
	}
}

func TestACommandThatIsNotThereIsRefusedBeforeAnyMessage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "there"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	environ := []string{"PATH=" + os.Getenv("PATH") + ":" + dir}
	for script, want := range map[string]string{
		"":                   "the command is empty",
		"  \n":               "the command is empty",
		"nix-of-that x":      "there is no command nix-of-that",
		"./nix":              "there is no command ./nix",
		"if true":            "the shell cannot read the command: ",
		"echo 'x":            "the shell cannot read the command: ",
		"there -x":           "",
		"cat >/dev/null":     "",
		"true && nix":        "", // it is no plain command
		"X=1 nix":            "",
		"(exit 1)":           "",
		dir + "/there":       "",
		"\"$NOTHING\" there": "",
	} {
		err := Command(script, environ, time.Minute, new(screen)).check(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", script, err, want)
		}
	}
}
