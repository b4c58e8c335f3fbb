package console

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// mostPoints bounds the points of a curve: 30 days of hours.
const mostPoints = 720

// A chart is curves of numbers over time, which the template "chart" draws.
type chart struct {
	Name   string    // of its phrases, below "chart."
	From   time.Time // when the first point begins
	Step   time.Duration
	Kind   quantity
	Curves []curve
}

// A curve has a number for each step of its chart, NaN where nothing is known.
type curve struct {
	Name string // of its phrase, below "chart.", and of its class
	At   []float64
}

// A quantity is what the numbers of a chart are.
type quantity int

const (
	counted   quantity = iota // in each step
	level                     // at the end of each step
	duration                  // in milliseconds
	byteLevel                 // bytes at the end of each step
)

// newChart returns a chart with curves of which nothing is known yet.
func newChart(name string, s span, kind quantity, curves ...string) *chart {
	c := &chart{Name: name, From: s.from, Step: s.step, Kind: kind}
	for _, name := range curves {
		at := make([]float64, min(s.points, mostPoints))
		for i := range at {
			at[i] = math.NaN()
		}
		c.Curves = append(c.Curves, curve{name, at})
	}
	return c
}

// set sets the numbers of the step that begins at a time, in the order of the curves. What
// is outside of the chart is left out.
func (c *chart) set(at int64, numbers ...float64) {
	i := (at - c.From.Unix()) / int64(c.Step/time.Second)
	for n := range c.Curves {
		if points := c.Curves[n].At; n < len(numbers) && at >= c.From.Unix() && i < int64(len(points)) {
			points[i] = numbers[n]
		}
	}
}

// zero makes 0 of what is not known, for what was counted whenever there was any.
func (c *chart) zero() {
	for _, of := range c.Curves {
		for i, v := range of.At {
			if math.IsNaN(v) {
				of.At[i] = 0
			}
		}
	}
}

// rise leaves the last step out, which is not over, where it is below the one before: that
// is no fall.
func (c *chart) rise() {
	for _, of := range c.Curves {
		if last := len(of.At) - 1; last > 0 && of.At[last] < of.At[last-1] {
			of.At[last] = math.NaN()
		}
	}
}

// End is when the last step ends.
func (c *chart) End() time.Time {
	return c.From.Add(time.Duration(len(c.Curves[0].At)) * c.Step)
}

// Unknown reports whether the chart has nothing to draw.
func (c *chart) Unknown() bool {
	for _, of := range c.Curves {
		if _, known := of.most(); known {
			return false
		}
	}
	return true
}

// most is the largest number that is known.
func (of curve) most() (most float64, known bool) {
	for _, v := range of.At {
		if !math.IsNaN(v) {
			most, known = max(most, v), true
		}
	}
	return most, known
}

// Value is what the legend says of a curve: the sum of what was counted in each step, else
// the last number that is known.
func (c *chart) Value(of curve) string {
	sum, last, known := 0.0, 0.0, false
	for _, v := range of.At {
		if !math.IsNaN(v) {
			sum, last, known = sum+v, v, true
		}
	}
	switch {
	case !known:
		return "–"
	case c.Kind == counted:
		return c.Number(sum)
	}
	return c.Number(last)
}

// Most is the largest number of a curve.
func (c *chart) Most(of curve) string {
	most, known := of.most()
	if !known {
		return "–"
	}
	return c.Number(most)
}

// Number writes a number of the chart.
func (c *chart) Number(v float64) string {
	switch c.Kind {
	case duration:
		return milliseconds(v)
	case byteLevel:
		return byteSize(v)
	}
	return thousands(int64(math.Round(v)))
}

// The drawing is as wide as there is room: places across are in percent, and the curves have
// a coordinate for each step. The template has these heights, in pixels, too.
const (
	plotTop    = 18
	plotHeight = 120
	plotUnits  = 1000 // of the curves, from the bottom to the top
)

// top is the number at the upper edge: 2, 4, 6, 8 or 10 times a power of ten, so that half
// of it is a round number, too.
func (c *chart) top() float64 {
	most := 0.0
	for _, of := range c.Curves {
		here, _ := of.most()
		most = max(most, here)
	}
	if most <= 0 || math.IsInf(most, 0) {
		return 2
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	if c.Kind != duration {
		unit = max(unit, 1)
	}
	for _, n := range []float64{1, 2, 4, 6, 8, 10} {
		if top := n * unit; top >= most && (top >= 2 || c.Kind == duration) {
			return top
		}
	}
	return 10 * unit
}

// A mark is a line of the drawing with what it stands for.
type mark struct {
	At    string // in pixels from the top, or in percent from the left
	Label string
}

// Levels are the lines across: the upper edge, and half of it.
func (c *chart) Levels() []mark {
	return []mark{{strconv.Itoa(plotTop), c.Number(c.top())}, {strconv.Itoa(plotTop + plotHeight/2), c.Number(c.top() / 2)}}
}

// Dense reports whether the points are so many that dashes cannot be told from gaps.
func (c *chart) Dense() bool { return len(c.Curves[0].At) > 100 }

// Times are the marks of the time: quarters of an hour, or weeks.
func (c *chart) Times() (all []mark) {
	whole, layout := c.End().Sub(c.From), "15:04"
	every := 15 * time.Minute
	if whole > 24*time.Hour {
		every, layout = 7*24*time.Hour, "01-02"
	}
	for at := c.From.Truncate(every); at.Before(c.End()); at = at.Add(every) {
		if part := float64(at.Sub(c.From)) / float64(whole); part > .03 && part < .97 {
			all = append(all, mark{fmt.Sprintf("%.2f%%", 100*part), at.UTC().Format(layout)})
		}
	}
	return all
}

// Box is the viewBox of the curves: a point is in the middle of its step.
func (c *chart) Box() string { return fmt.Sprintf("-.5 0 %d %d", len(c.Curves[0].At), plotUnits) }

// Line draws a curve, with a gap where nothing is known; nothing of one that is 0 always,
// unless there is no other.
func (c *chart) Line(of curve) string {
	if most, _ := of.most(); most == 0 && of.Name != c.Curves[0].Name {
		return ""
	}
	return c.path(of, false)
}

// Area fills below the first curve.
func (c *chart) Area() string { return c.path(c.Curves[0], true) }

func (c *chart) path(of curve, filled bool) string {
	var b strings.Builder
	top, begun := c.top(), -1
	end := func(i int) {
		switch {
		case begun < 0:
		case filled:
			fmt.Fprintf(&b, "V%dH%dZ", plotUnits, begun)
		case begun == i-1: // a point alone is a line as long as a step
			b.WriteString("m-.5 0h1")
		}
		begun = -1
	}
	for i, v := range of.At {
		if math.IsNaN(v) {
			end(i)
			continue
		}
		y := plotUnits - int(math.Round(plotUnits*min(max(v/top, 0), 1)))
		if begun < 0 {
			begun = i
			fmt.Fprintf(&b, "M%d %dL", i, y)
		}
		fmt.Fprintf(&b, "%d %d ", i, y)
	}
	end(len(of.At))
	return b.String()
}

// A row has the numbers of a step as cells of a table. Numbers have nothing that is to be
// escaped, and there are thousands of them.
type row struct {
	Time  string
	Cells template.HTML
}

// rows are the numbers of several charts of the same time, the last first, without the steps
// of which nothing is known and in which nothing happened.
func rows(charts ...*chart) (all []row) {
	for i := len(charts[0].Curves[0].At) - 1; i >= 0; i-- {
		var cells strings.Builder
		some := false
		for _, c := range charts {
			for _, of := range c.Curves {
				cells.WriteString("<td>")
				if v := of.At[i]; math.IsNaN(v) {
					cells.WriteString("–")
				} else {
					cells.WriteString(c.Number(v))
					some = some || v != 0
				}
			}
		}
		if some {
			at := charts[0].From.Add(time.Duration(i) * charts[0].Step)
			all = append(all, row{at.UTC().Format("01-02 15:04"), template.HTML(cells.String())})
		}
	}
	return all
}
