package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// An event is a line of go test -json.
type event struct {
	Action     string
	Package    string
	ImportPath string // in place of Package while it is built
	Test       string
	Elapsed    float64 // seconds
	Output     string
}

// A report turns the events of all packages into a line for each, and what
// those tests printed that failed.
type report struct {
	out   io.Writer
	began time.Time
	total int // packages

	mu       sync.Mutex // guards what follows
	packages map[string]*underTest
	done     int
	failed   []string
	skipped  []string
}

// underTest is a package whose tests are running.
type underTest struct {
	running map[string]time.Time // the tests that have not ended, and since when
	printed map[string]*excerpt  // by each of them, and by the package as ""
}

func newReport(out io.Writer, total int) *report {
	return &report{out: out, began: time.Now(), total: total, packages: map[string]*underTest{}}
}

func (r *report) take(e event, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := shortName(cmp.Or(e.Package, e.ImportPath))
	p := r.packages[name]
	if p == nil {
		p = &underTest{map[string]time.Time{}, map[string]*excerpt{}}
		r.packages[name] = p
	}
	switch e.Action {
	case "run", "cont":
		p.running[e.Test] = now
	case "pause":
		delete(p.running, e.Test)
	case "output", "build-output":
		p.print(e.Test, e.Output)
	case "pass", "skip", "fail":
		if e.Test != "" {
			r.testEnded(name, p, e)
			return
		}
		r.packageEnded(name, p, e, now)
	}
}

func (p *underTest) print(test, text string) {
	if p.printed[test] == nil {
		p.printed[test] = &excerpt{}
	}
	p.printed[test].add(text)
}

func (r *report) testEnded(name string, p *underTest, e event) {
	switch e.Action {
	case "skip":
		r.skipped = append(r.skipped, name+" "+e.Test)
	case "fail":
		r.failed = append(r.failed, name+" "+e.Test)
		fmt.Fprintf(r.out, "--- FAILED: %s %s (%.1fs)\n%s", name, e.Test, e.Elapsed, p.printed[e.Test])
	}
	delete(p.running, e.Test)
	delete(p.printed, e.Test)
}

func (r *report) packageEnded(name string, p *underTest, e event, now time.Time) {
	r.done++
	delete(r.packages, name)
	if e.Action != "fail" {
		if !strings.Contains(p.printed[""].String(), "[no test files]") {
			fmt.Fprintf(r.out, "ok  %s (%.1fs)\n", name, e.Elapsed)
		}
		return
	}
	r.failed = append(r.failed, name)
	fmt.Fprintf(r.out, "--- FAILED: package %s (%.1fs)\n", name, e.Elapsed)
	for _, test := range slices.Sorted(maps.Keys(p.running)) {
		fmt.Fprintf(r.out, "    %s had not ended after %v\n", test, now.Sub(p.running[test]).Round(time.Second))
	}
	for _, test := range slices.Sorted(maps.Keys(p.printed)) {
		fmt.Fprint(r.out, p.printed[test])
	}
}

// progress says what is running.
func (r *report) progress(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var at []string
	for name, p := range r.packages {
		for test, since := range p.running {
			if !strings.Contains(test, "/") {
				at = append(at, fmt.Sprintf("%s %s (%v)", name, test, now.Sub(since).Round(time.Second)))
			}
		}
	}
	slices.Sort(at)
	fmt.Fprintf(r.out, "... %v: %d of %d packages; %s\n", now.Sub(r.began).Round(time.Second), r.done, r.total, strings.Join(at, ", "))
}

// failure names what failed, and prints what was skipped.
func (r *report) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.skipped) > 0 {
		fmt.Fprintf(r.out, "!!! SKIPPED: %s\n", strings.Join(r.skipped, ", "))
	}
	if len(r.failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(r.failed, ", "))
	}
	return nil
}

const modulePath = "github.com/shopex/prism-go"

func shortName(pkg string) string {
	return cmp.Or(strings.TrimPrefix(strings.TrimPrefix(pkg, modulePath), "/"), "prism")
}
