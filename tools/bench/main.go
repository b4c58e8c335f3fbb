// Command bench measures the module against what the machine needs at least:
// the same frames over the same loopback socket without an SDK, the MD5 of the
// same bytes, the same request with net/http alone. Both sides of a row run in
// turn in one process, so what counts is their ratio, not the absolute times:
//
//	go run ./tools/bench                  all rows
//	go run ./tools/bench -rows consume    those whose name matches
//
// It exits with 1 when a row missed its target, or a figure its limit, by more
// than the noise it measured itself, and with 2 when it could not measure.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	pattern := flag.String("rows", "", "measure only the rows and figures whose name matches this regular `expression`")
	rounds := flag.Int("rounds", 15, "how often both sides of a row, or a figure, are measured")
	flag.Parse()
	chosen, err := choose(*pattern)
	if err == nil && (*rounds < leastRounds || *rounds > mostRounds || flag.NArg() > 0) {
		err = fmt.Errorf("-rounds must be %d to %d, and nothing but flags is taken", leastRounds, mostRounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	missed, err := report(os.Stdout, chosen, *rounds)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if missed > 0 {
		fmt.Printf("\n%d over their targets\n", missed)
		os.Exit(1)
	}
}

// choose returns what has a name that matches pattern. Figures that are measured
// together are chosen together.
func choose(pattern string) (chosen choice, err error) {
	wanted, err := regexp.Compile(pattern)
	if err != nil {
		return chosen, fmt.Errorf("-rows: %w", err)
	}
	var names []string
	matches := func(name string) bool {
		names = append(names, name)
		return wanted.MatchString(name)
	}
	for _, t := range tables {
		t.rows = slices.DeleteFunc(slices.Clone(t.rows), func(r row) bool { return !matches(r.name) })
		if len(t.rows) > 0 {
			chosen.tables = append(chosen.tables, t)
		}
	}
	for _, g := range gauges {
		if slices.ContainsFunc(g.figures, func(f figure) bool { return matches(f.name) }) {
			chosen.gauges = append(chosen.gauges, g)
		}
	}
	if len(chosen.tables)+len(chosen.gauges) == 0 {
		return chosen, fmt.Errorf("-rows: nothing matches %q; there are: %s", pattern, strings.Join(names, "; "))
	}
	return chosen, nil
}
