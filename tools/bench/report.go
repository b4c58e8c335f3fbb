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
	tables []table
	gauges []gauge
}

// report measures what was chosen, prints each as it is known, and returns how
// many missed a target.
func report(w io.Writer, chosen choice, rounds int) (missed int, err error) {
	fmt.Fprintf(w, "%s %s/%s, %d processors, %d rounds\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), rounds)
	for _, t := range chosen.tables {
		over, err := t.report(w, rounds)
		if missed += over; err != nil {
			return missed, err
		}
	}
	over, err := reportFigures(w, chosen.gauges, rounds)
	return missed + over, err
}

const rowLine = "%-36s %-30s %10s %10s %7s %-15s %7s %19s %17s  %s\n"

func (t table) report(w io.Writer, rounds int) (missed int, err error) {
	fmt.Fprintln(w)
	fmt.Fprintf(w, rowLine, "work", t.against, t.against, "ours", "ratio", "half are within", "target",
		"CPU ("+t.against+")", "allocs ("+t.against+")", "")
	for _, r := range t.rows {
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
			duration(got.ours.cpu)+" ("+duration(got.floor.cpu)+")",
			fmt.Sprintf("%.2f (%.2f)", got.ours.allocs, got.floor.allocs), verdict(targets))
	}
	return missed, nil
}

const figureLine = "%-36s %10s %-8s %-15s %7s  %s\n"

func reportFigures(w io.Writer, chosen []gauge, rounds int) (missed int, err error) {
	if len(chosen) == 0 {
		return 0, nil
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, figureLine, "figure", "median", "", "half are within", "limit", "")
	for _, g := range chosen {
		spreads, err := g.measure(rounds)
		if err != nil {
			return missed, err
		}
		for i, f := range g.figures {
			missed += f.report(w, spreads[i])
		}
	}
	return missed, nil
}

// report prints f and returns how many limits it missed.
func (f figure) report(w io.Writer, got spread) (missed int) {
	var targets []string
	if got.exceeds(f.limit) {
		targets = append(targets, fmt.Sprintf("%.4g %s", f.limit, f.unit))
	}
	fmt.Fprintf(w, figureLine, f.name, fmt.Sprintf("%.1f", got.mid), f.unit, fmt.Sprintf("%.1f-%.1f", got.low, got.top), goal(f.limit), verdict(targets))
	return len(targets)
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
