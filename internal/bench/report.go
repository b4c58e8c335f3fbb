package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	line        = "%-35s %-30s %10s %10s %7s %-15s %7s %19s %17s  %s\n"
	connections = 500 // idle ones
)

// report measures the chosen rows, prints each as it is known, and returns how
// many missed a target.
func report(w io.Writer, chosen *regexp.Regexp, rounds int) (missed int, err error) {
	fmt.Fprintf(w, "%s %s/%s, %d processors, %d rounds\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), rounds)
	for _, t := range tables {
		n, err := t.report(w, chosen, rounds)
		if missed += n; err != nil {
			return missed, err
		}
	}
	return missed, reportIdle(w, chosen)
}

func (t table) report(w io.Writer, chosen *regexp.Regexp, rounds int) (missed int, err error) {
	if !slices.ContainsFunc(t.rows, func(r row) bool { return chosen.MatchString(r.name) }) {
		return 0, nil
	}
	fmt.Fprintf(w, "\n%s\n", t.title)
	fmt.Fprintf(w, line, "work", t.against, t.against, "ours", "ratio", "half are within", "target", "CPU ("+t.against+")", "allocs ("+t.against+")", "")
	for _, r := range t.rows {
		if !chosen.MatchString(r.name) {
			continue
		}
		got, err := r.measure(rounds)
		if err != nil {
			return missed, err
		}
		if len(r.missed(got)) > 0 {
			missed++
		}
		r.print(w, got)
	}
	return missed, nil
}

func (r row) print(w io.Writer, got result) {
	verdict := strings.Join(r.missed(got), ", ")
	if verdict != "" {
		verdict = "MISSED " + verdict
	}
	fmt.Fprintf(w, line, r.name, r.floor, duration(got.floor.ns), duration(got.ours.ns),
		fmt.Sprintf("%.2f", got.mid), fmt.Sprintf("%.2f-%.2f", got.low, got.top), r.goal(),
		duration(got.ours.cpu)+" ("+duration(got.floor.cpu)+")",
		fmt.Sprintf("%.2f (%.2f)", got.ours.allocs, got.floor.allocs), verdict)
}

func reportIdle(w io.Writer, chosen *regexp.Regexp) error {
	if chosen.MatchString(idleRow) {
		bytes, err := idleMemory(connections)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s: %.1f KiB on the platform\n", idleRow, bytes/1024)
	}
	if !chosen.MatchString(idleSocketRow) {
		return nil
	}
	bytes, err := idleSocketMemories(connections)
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	for i, lib := range idlers {
		fmt.Fprintf(w, "%s, %s: %.1f KiB at the server\n", idleSocketRow, lib.name, bytes[i]/1024)
	}
	return nil
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
