package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// A choice is what to measure.
type choice struct {
	rows    []row
	figures []figure
}

// report measures what was chosen, prints each as it is known, and returns how
// many missed a target.
func report(w io.Writer, chosen choice, rounds int) (missed int, err error) {
	fmt.Fprintf(w, "%s %s/%s, %d processors, %d rounds\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), rounds)
	if rounds < leastRounds {
		fmt.Fprintf(w, "with fewer than %d rounds only allocations can miss a target\n", leastRounds)
	}
	missed, err = reportRows(w, chosen.rows, rounds)
	if err != nil {
		return missed, err
	}
	over, err := reportFigures(w, chosen.figures, rounds)
	return missed + over, err
}

const rowLine = "%-28s %-31s %10s %10s %7s %-15s %7s %17s  %s\n"

func reportRows(w io.Writer, chosen []row, rounds int) (missed int, err error) {
	if len(chosen) == 0 {
		return 0, nil
	}
	fmt.Fprintf(w, "\n"+rowLine, "work", "floor", "floor", "ours", "ratio", "half are within", "target", "allocs (floor)", "")
	for _, r := range chosen {
		got, err := r.measure(rounds)
		if err != nil {
			return missed, err
		}
		targets := r.missed(got)
		if len(targets) > 0 {
			missed++
		}
		fmt.Fprintf(w, rowLine, r.name, r.floor, duration(got.floor.ns), duration(got.ours.ns),
			fmt.Sprintf("%.2f", got.mid), fmt.Sprintf("%.2f-%.2f", got.low, got.top), goal(r.ratio),
			fmt.Sprintf("%.2f (%.2f)", got.ours.allocs, got.floor.allocs), verdict(targets))
	}
	return missed, nil
}

const figureLine = "%-36s %10s %-8s %-15s %7s  %s\n"

func reportFigures(w io.Writer, chosen []figure, rounds int) (missed int, err error) {
	if len(chosen) == 0 {
		return 0, nil
	}
	fmt.Fprintf(w, "\n"+figureLine, "figure", "median", "", "half are within", "limit", "")
	for _, f := range chosen {
		got, err := f.measure(rounds)
		if err != nil {
			return missed, err
		}
		limits := f.missed(got)
		missed += len(limits)
		fmt.Fprintf(w, figureLine, f.name, fmt.Sprintf("%.1f", got.mid), f.unit,
			fmt.Sprintf("%.1f-%.1f", got.low, got.top), goal(f.limit), verdict(limits))
	}
	return missed, nil
}

func verdict(targets []string) string {
	if len(targets) == 0 {
		return ""
	}
	return "MISSED " + strings.Join(targets, ", ")
}

func goal(limit float64) string {
	if limit == 0 {
		return "-"
	}
	return fmt.Sprintf("%.4g", limit)
}

func duration(ns float64) string {
	d := time.Duration(ns)
	if d >= 10*time.Microsecond {
		return d.Round(100 * time.Nanosecond).String()
	}
	return fmt.Sprintf("%.0fns", ns)
}
