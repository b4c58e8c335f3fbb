package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// report measures the chosen rows, prints each as it is known, and returns how
// many missed a target.
func report(w io.Writer, chosen *regexp.Regexp, rounds int) (missed int, err error) {
	fmt.Fprintf(w, "%s %s/%s, %d processors, %d rounds\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), rounds)
	const line = "%-28s %-30s %10s %10s %7s %-15s %7s %19s %15s  %s\n"
	fmt.Fprintf(w, line, "work", "floor", "floor", "ours", "ratio", "half are within", "target", "CPU (floor)", "allocs (floor)", "")
	for _, r := range rows {
		if !chosen.MatchString(r.name) {
			continue
		}
		got, err := r.measure(rounds)
		if err != nil {
			return missed, err
		}
		verdict := strings.Join(r.missed(got), ", ")
		if verdict != "" {
			missed++
			verdict = "MISSED " + verdict
		}
		fmt.Fprintf(w, line, r.name, r.floor, duration(got.floor.ns), duration(got.ours.ns),
			fmt.Sprintf("%.2f", got.mid), fmt.Sprintf("%.2f-%.2f", got.low, got.top), r.goal(),
			duration(got.ours.cpu)+" ("+duration(got.floor.cpu)+")",
			fmt.Sprintf("%.2f (%.2f)", got.ours.allocs, got.floor.allocs), verdict)
	}
	if chosen.MatchString(idleRow) {
		bytes, err := idleMemory(500)
		if err != nil {
			return missed, err
		}
		fmt.Fprintf(w, "\n%s: %.1f KiB on the platform\n", idleRow, bytes/1024)
	}
	return missed, nil
}

func (r row) goal() string {
	if r.ratio == 0 {
		return "-"
	}
	return fmt.Sprintf("%.4g", r.ratio)
}

func duration(ns float64) string {
	d := time.Duration(ns)
	if d >= 10*time.Microsecond {
		return d.Round(100 * time.Nanosecond).String()
	}
	return fmt.Sprintf("%.0fns", ns)
}
