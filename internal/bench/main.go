// Command bench measures the module against what the machine needs at least:
// the same frames over the same loopback socket without an SDK, the MD5 of the
// same bytes, the same request with net/http alone. Both sides of a row run in
// turn in one process, so what counts is their ratio, not the absolute times. A
// second table has internal/socket beside other WebSocket libraries:
//
//	go run ./internal/bench                  all rows
//	go run ./internal/bench -rows consume    those whose name matches
//
// It exits with 1 when a row missed its target by more than the noise it
// measured itself, and with 2 when it could not measure.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	pattern := flag.String("rows", "", "measure only the rows whose name matches this regular `expression`")
	rounds := flag.Int("rounds", 15, "how often both sides of a row are measured")
	flag.Parse()
	chosen, err := choose(*pattern)
	if err == nil && (*rounds < 1 || flag.NArg() > 0) {
		err = errors.New("-rounds must be at least 1, and nothing but flags is taken")
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

const (
	idleRow       = "idle connection"
	idleSocketRow = "idle socket"
)

// choose compiles pattern, which must match the name of a row.
func choose(pattern string) (*regexp.Regexp, error) {
	chosen, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("-rows: %w", err)
	}
	names := []string{idleRow, idleSocketRow}
	for _, r := range allRows() {
		names = append(names, r.name)
	}
	if !slices.ContainsFunc(names, chosen.MatchString) {
		return nil, fmt.Errorf("-rows: nothing matches %q; there are: %s", pattern, strings.Join(names, "; "))
	}
	return chosen, nil
}
