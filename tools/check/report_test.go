package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func reported(t *testing.T, events ...event) (string, error) {
	t.Helper()
	var out strings.Builder
	r := newReport(&out, 2)
	now := time.Now()
	for _, e := range events {
		now = now.Add(time.Minute)
		r.take(e, now)
	}
	r.progress(now)
	err := r.failure()
	return out.String(), err
}

func TestOnlyWhatFailedIsPrinted(t *testing.T) {
	pkg := modulePath + "/notify"
	out, err := reported(t,
		event{Action: "run", Package: pkg, Test: "TestGood"},
		event{Action: "output", Package: pkg, Test: "TestGood", Output: "chatter\n"},
		event{Action: "pass", Package: pkg, Test: "TestGood"},
		event{Action: "run", Package: pkg, Test: "TestBad"},
		event{Action: "output", Package: pkg, Test: "TestBad", Output: "got 1, want 2\n"},
		event{Action: "fail", Package: pkg, Test: "TestBad"},
		event{Action: "skip", Package: pkg, Test: "TestElsewhere"},
		event{Action: "run", Package: pkg, Test: "TestSlow"},
	)
	for want, there := range map[string]bool{
		"chatter": false, "got 1, want 2": true, "SKIPPED: notify TestElsewhere": true, "notify TestSlow (0s)": true,
	} {
		if strings.Contains(out, want) != there {
			t.Errorf("%q printed: %v, want %v\n%s", want, !there, there, out)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "notify TestBad") {
		t.Errorf("failure %v", err)
	}
}

func TestADumpIsCutToTheTestThatHadNotEnded(t *testing.T) {
	pkg := modulePath + "/notify"
	events := []event{{Action: "run", Package: pkg, Test: "TestStuck"}}
	for line := range strings.Lines(dumpOf(pkg)) {
		events = append(events, event{Action: "output", Package: pkg, Test: "TestStuck", Output: line})
	}
	out, err := reported(t, append(events, event{Action: "fail", Package: pkg})...)
	if err == nil || !strings.Contains(out, "TestStuck had not ended after ") || !strings.Contains(out, "stuck_test.go:7") ||
		!strings.Contains(out, "(and 16000 goroutines that run no test)") || strings.Contains(out, "serve.go") {
		t.Errorf("%v\n%.3000s", err, out)
	}
	if lines := strings.Count(out, "\n"); lines > 30 {
		t.Errorf("%d lines", lines)
	}
}

func dumpOf(pkg string) string {
	var dump strings.Builder
	dump.WriteString("SIGQUIT: quit\n\n")
	for i := range 16000 {
		if i == 8000 {
			fmt.Fprintf(&dump, "goroutine 99 gp=0x1 [chan receive, 4 minutes]:\n%s.TestStuck.func1()\n\tnotify/stuck_test.go:7\n\n", pkg)
		}
		fmt.Fprintf(&dump, "goroutine %d [select, 4 minutes]:\n%s.serve()\n\tnotify/serve.go:7\n\n", i, pkg)
	}
	return dump.String()
}

func TestMuchOutputKeepsItsBeginAndItsEnd(t *testing.T) {
	var x excerpt
	for i := range 200_000 {
		x.add(fmt.Sprintf("line %d\n", i))
	}
	got := x.String()
	if !strings.HasPrefix(got, "line 0\n") || !strings.HasSuffix(got, "line 199999\n") || strings.Count(got, "\n") != 2*excerptLines+1 {
		t.Errorf("%.100s ... %s", got, got[len(got)-100:])
	}
	if held := len(x.head) + cap(x.tail); held > 5*excerptLines {
		t.Errorf("%d lines are held", held)
	}
}

func TestAMissingVulnerabilityDatabaseIsSaid(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	if why := unreachable(gone.URL); !strings.Contains(why, "404") {
		t.Errorf("unreachable says %q", why)
	}
	gone.Close()
	if why := unreachable(gone.URL); why == "" {
		t.Error("a closed server counts as reached")
	}
}
