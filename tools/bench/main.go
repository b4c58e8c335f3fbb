// Command bench measures the module against what the machine needs at least:
// the same frames over the same loopback socket without an SDK, the MD5 of the
// same bytes, the same request with net/http alone. Both sides of a row run in
// turn in one process, so what counts is their ratio, not the absolute times:
//
//	go run ./tools/bench                  all rows
//	go run ./tools/bench -rows consume    those whose name matches
//	go run ./tools/bench -rounds 1        at once; noise is not told from a miss
//
// It exits with 1 when a row missed its target, or a figure its limit, by more
// than the noise it measured itself, and with 2 when it could not measure.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
)

func main() {
	pattern := flag.String("rows", "", "measure only the rows and figures whose name matches this regular `expression`")
	rounds := flag.Int("rounds", 15, "how often both sides of a row, or a figure, are measured")
	flag.Parse()
	chosen, err := choose(*pattern)
	if err == nil && (*rounds < 1 || *rounds > mostRounds || flag.NArg() > 0) {
		err = fmt.Errorf("-rounds must be 1 to %d, and nothing but flags is taken", mostRounds)
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

// choose returns what has a name that matches pattern.
func choose(pattern string) (chosen choice, err error) {
	wanted, err := regexp.Compile(pattern)
	if err != nil {
		return chosen, fmt.Errorf("-rows: %w", err)
	}
	var names []string
	for _, r := range rows {
		if names = append(names, r.name); wanted.MatchString(r.name) {
			chosen.rows = append(chosen.rows, r)
		}
	}
	for _, f := range figures {
		if names = append(names, f.name); wanted.MatchString(f.name) {
			chosen.figures = append(chosen.figures, f)
		}
	}
	if len(chosen.rows)+len(chosen.figures) == 0 {
		return chosen, fmt.Errorf("-rows: nothing matches %q; there are: %s", pattern, strings.Join(names, "; "))
	}
	return chosen, nil
}
