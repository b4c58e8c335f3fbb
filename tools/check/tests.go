package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

// How long everything takes on two processors that have nothing else to do.
const quietTime = 19 * time.Minute

// announce says how long it will take.
func announce() {
	quiet := quietTime * 2 / time.Duration(max(2, runtime.NumCPU()))
	fmt.Printf("all of it takes about %v on %d quiet processors", quiet, runtime.NumCPU())
	if busy := patience.Factor(); busy > 1 {
		fmt.Printf("; they are busy, so it may be %v", time.Duration(float64(quiet)*(1+busy)).Round(time.Minute))
	}
	fmt.Println()
}

func tests() error {
	packages, err := output("go", "list", "work")
	if err != nil {
		return err
	}
	flags := []string{"test", "-json", "-p", strconv.Itoa(runtime.NumCPU() + 1), "-race"} // one package more than processors, as tests wait often
	if cgo, _ := output("go", "env", "CGO_ENABLED"); cgo != "1" || !hasCompiler() {
		fmt.Println("!!! WITHOUT THE RACE DETECTOR: it needs a C compiler and CGO_ENABLED=1 here")
		flags = flags[:len(flags)-1]
	}
	ordered := longestFirst(slices.DeleteFunc(strings.Fields(packages), isPackagesTool))
	r := newReport(os.Stdout, len(ordered))
	in, out := io.Pipe()
	read := make(chan error, 1)
	go func() { read <- r.read(in) }()
	err = runTo(out, "", "go", slices.Concat(flags, guarded(), ordered)...)
	out.Close()
	return errors.Join(<-read, r.failure(), err)
}

// long is the packages whose tests take minutes, the longest first.
var long = []string{"/cmd/prismctl", "/platform/jetstream", "/tools/browser", "/platform", "/tools/bench", "/platform/console"}

// longestFirst puts the packages first whose tests take longest: go test begins with them
// then, and none of them is left to run alone in the end.
func longestFirst(packages []string) []string {
	rank := func(pkg string) int {
		if i := slices.IndexFunc(long, func(end string) bool { return strings.HasSuffix(pkg, end) }); i >= 0 {
			return i
		}
		return len(long)
	}
	return slices.SortedStableFunc(slices.Values(packages), func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
}

func hasCompiler() bool {
	cc, _ := output("go", "env", "CC")
	_, err := exec.LookPath(strings.Fields(cc + " cc")[0])
	return err == nil
}

// read prints what go test -json says, and twice a minute what is running.
func (r *report) read(in io.Reader) error {
	over := make(chan struct{})
	defer close(over)
	go func() {
		for {
			select {
			case <-time.After(30 * time.Second):
				r.progress(time.Now())
			case <-over:
				return
			}
		}
	}()
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil // the end; why go test ended is its exit status
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			fmt.Fprintf(r.out, "%s", line)
			continue
		}
		r.take(e, time.Now())
	}
}
