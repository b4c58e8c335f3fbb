package console

import (
	"math"
	"strings"
	"testing"
	"time"
)

// drawn is what a page has of a chart with one curve.
func drawn(t *testing.T, lang language, name string, kind quantity, numbers ...float64) (page string, c *chart) {
	t.Helper()
	s := span{Past: "hour", from: time.Unix(0, 0).UTC(), step: time.Minute, points: max(len(numbers), 1)}
	c = newChart(name, s, kind, name)
	copy(c.Curves[0].At, numbers)
	var b strings.Builder
	if err := pageTemplates.ExecuteTemplate(&b, "curves", &view{Data: &curves{s, []*chart{c}}, Lang: lang}); err != nil {
		t.Fatal(err)
	}
	return b.String(), c
}

func TestACurveHasGapsWhereNothingIsKnown(t *testing.T) {
	unknown := math.NaN()
	for want, numbers := range map[string][]float64{
		"":                                   {unknown},
		"M0 0L0 0 m-.5 0h1":                  {2},
		"M1 500L1 500 2 0 ":                  {unknown, 1, 2, unknown},
		"M0 500L0 500 1 0 M3 0L3 0 m-.5 0h1": {1, 2, unknown, 2},
		"M0 1000L0 1000 1 1000 ":             {0, 0},
	} {
		_, c := drawn(t, english, "calls", counted, numbers...)
		if got := c.Line(c.Curves[0]); got != want {
			t.Errorf("%v: %q, want %q", numbers, got, want)
		}
	}
	page, c := drawn(t, english, "calls", counted, unknown)
	if !c.Unknown() || !strings.Contains(page, "Nothing is known") || strings.Contains(page, "NaN") {
		t.Errorf("without any point: %s", page)
	}
}

func TestAChartIsAlsoATableAndWords(t *testing.T) {
	page, _ := drawn(t, english, "calls", counted, 1, 0, math.NaN(), 12345)
	for _, want := range []string{
		`role="img"`, "<title", "<desc", "calls: 12,346, at most 12,345.", "From 1970-01-01 00:00:00 UTC",
		`<th scope="row">01-01 00:03<td>12,345`, `<th scope="row">01-01 00:00<td>1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	if strings.Contains(page, "00:01") || strings.Contains(page, "style=") {
		t.Errorf("the table has steps in which nothing happened, or there is a style in the page: %s", page)
	}
	if page, _ := drawn(t, chinese, "took", duration, 1500); !strings.Contains(page, "响应时间") || !strings.Contains(page, "1.5 s") {
		t.Errorf("in Chinese: %s", page)
	}
}

func TestTheTopOfAChartIsARoundNumber(t *testing.T) {
	for most, want := range map[float64]float64{0: 2, 1: 2, 2: 2, 3: 4, 5: 6, 7: 8, 9: 10, 10: 10, 11: 20, 41: 60, 999: 1000, 1e12: 1e12, math.Inf(1): 2} {
		if _, c := drawn(t, english, "calls", counted, most); c.top() != want {
			t.Errorf("of %v: %v, want %v", most, c.top(), want)
		}
	}
	if _, c := drawn(t, english, "took", duration, 0.03); c.top() != 0.04 {
		t.Errorf("of 0.03 ms: %v", c.top())
	}
}

// What is shown comes from answers of calls: it may be anything.
func TestAChartOfHostileNumbersAndNamesIsBounded(t *testing.T) {
	many := make([]float64, 100_000)
	for i := range many {
		many[i] = float64(i) * 1e15
	}
	if page, c := drawn(t, english, "calls", counted, many...); len(c.Curves[0].At) != mostPoints || len(page) > 80<<10 {
		t.Errorf("%d points, %d bytes", len(c.Curves[0].At), len(page))
	}
	c := newChart("calls", span{from: time.Unix(600, 0), step: time.Minute, points: 2}, counted, "calls")
	for _, at := range []int64{math.MinInt64, -1, 0, 599, 720, math.MaxInt64} {
		c.set(at, 1)
	}
	if c.set(660, 1, 2, 3); !math.IsNaN(c.Curves[0].At[0]) || c.Curves[0].At[1] != 1 {
		t.Errorf("points outside of the time are shown: %v", c.Curves[0].At)
	}
	page, _ := drawn(t, english, `"><script>alert(1)</script>`, counted, math.Inf(1), -1)
	if strings.Contains(page, "<script>") || strings.Contains(page, "NaN") {
		t.Errorf("a name runs: %s", page)
	}
}

func TestTheStepThatIsNotOverIsNoFall(t *testing.T) {
	for want, numbers := range map[float64][]float64{5: {3, 5}, 3: {3, 1}, 0: {0, 0}} {
		_, c := drawn(t, english, "calls", counted, numbers...)
		c.zero()
		c.rise()
		if last, _ := c.Curves[0].most(); last != want || math.IsNaN(c.Curves[0].At[1]) != (numbers[1] < numbers[0]) {
			t.Errorf("%v: %v", numbers, c.Curves[0].At)
		}
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	v := &view{}
	for want, got := range map[string]string{
		"0": v.N(0), "999": v.N(999), "1,204": v.N(int64(1204)), "-1,234,567": v.N(-1234567), "0.05": v.N(0.05), "12.3": v.N(12.345), "1,234": v.N(1234.4), "2": v.N(2.0),
		"0.5 ms": v.MS(0.5), "1.25 s": v.MS(1250), "0 B": v.Bytes(0), "1.5 KiB": v.Bytes(1536), "8,192 PiB": v.Bytes(math.MaxInt64),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
