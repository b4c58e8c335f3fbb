package load

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// Text is the report for people, in lines of at most 80 columns, with the summary at its end.
// The histograms are in front of that, if they are asked for.
func (r *Report) Text(histogram bool) string {
	var s strings.Builder
	s.WriteString(r.Settings.text() + "\n")
	fmt.Fprintf(&s, "%s, %.1f s of load", r.Server, r.Load)
	if r.Early {
		s.WriteString(", ended early")
	}
	s.WriteString("\n")
	if histogram {
		r.Handled.writeBins(&s, "to the handler")
		r.Confirm.writeBins(&s, "to the confirmation")
	}
	s.WriteString("\n")
	r.writeCounts(&s)
	fmt.Fprintf(&s, "\n%-20s %9s %9s %9s %9s %9s %9s\n", "time from publishing", "min", "p50", "p90", "p99", "p99.9", "max")
	r.Handled.writeRow(&s, "to the handler")
	r.Confirm.writeRow(&s, "to the confirmation")
	return s.String()
}

func (s Settings) text() string {
	how := "without waiting"
	if s.ConfirmEach {
		how = "waiting for each confirmation, " + words.Counted(s.Callers, "caller", "callers") + " each"
	}
	rate := "as fast as it goes"
	if s.Rate > 0 {
		rate = grouped(s.Rate) + " messages/s"
	}
	into := ""
	if s.Direct {
		into = ",\nwritten into the queue by calls, past the routing"
	}
	return fmt.Sprintf("%s (%s),\n%s with %s each,\nbodies of %s bytes, %s, at most %s in flight%s",
		words.Counted(s.Publishers, "publisher", "publishers"), how, words.Counted(s.Consumers, "consumer", "consumers"),
		words.Counted(s.Workers, "worker", "workers"), grouped(int64(s.Size)), rate, grouped(int64(s.InFlight)), into)
}

func (r *Report) writeCounts(s *strings.Builder) {
	for _, row := range []struct {
		name string
		n    int64
		rate Throughput
	}{
		{"published", r.Published, r.PublishRate},
		{"confirmed", r.Confirmed, r.ConfirmRate},
		{"consumed", r.Consumed, r.ConsumeRate},
	} {
		writeCount(s, row.name, &row.n, fmt.Sprintf("%11s messages/s %8.1f MB/s", grouped(int64(row.rate.Messages)), row.rate.Megabytes))
	}
	writeCount(s, "acknowledged", &r.Acked, "")
	writeCount(s, "duplicates", &r.Duplicates, "")
	writeCount(s, "lost", r.Lost, "")
	writeCount(s, "left in the queue", r.Left, "")
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"not confirmed", r.Failed},
		{"stale acknowledgements", r.StaleAcks},
		{"messages of others", r.Foreign},
		{"lost connections", r.Disconnects},
		{"sent again", r.Resent},
	} {
		if row.n > 0 { // they are news
			writeCount(s, row.name, &row.n, "")
		}
	}
}

func writeCount(s *strings.Builder, name string, n *int64, rate string) {
	number := "unknown"
	if n != nil {
		number = grouped(*n)
	}
	s.WriteString(strings.TrimRight(fmt.Sprintf("%-22s %12s %s", name, number, rate), " ") + "\n")
}

func (d *Spread) writeRow(s *strings.Builder, name string) {
	if d == nil {
		return
	}
	fmt.Fprintf(s, "%-20s", name)
	for _, ms := range []float64{d.Min, d.P50, d.P90, d.P99, d.P999, d.Max} {
		fmt.Fprintf(s, " %9s", shortTime(ms))
	}
	s.WriteByte('\n')
}

// writeBins draws a bar for each bin, the longest for the fullest.
func (d *Spread) writeBins(s *strings.Builder, name string) {
	if d == nil {
		return
	}
	var most int64
	for _, b := range d.Bins {
		most = max(most, b.Messages)
	}
	fmt.Fprintf(s, "\n%s\n", name)
	for _, b := range d.Bins {
		share := float64(b.Messages) / float64(d.Messages)
		line := fmt.Sprintf("  up to %6s  %5.1f %%  %s", edgeTime(b.UpTo), 100*share, bar(float64(b.Messages)/float64(most), 40))
		s.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// bar is a bar of at most so many columns, in eighths of one. What is there is
// seen, however little it is.
func bar(share float64, columns int) string {
	eighths := int(math.Round(share * float64(columns) * 8))
	if eighths == 0 && share > 0 {
		eighths = 1
	}
	b := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		b += string('█' + rune(8-rest)) // they follow each other, the narrower the later
	}
	return b
}

// shortTime is a time with three digits.
func shortTime(ms float64) string {
	n, unit := inUnit(ms)
	decimals := 2
	for limit := 10.0; decimals > 0 && n >= limit; limit *= 10 {
		decimals--
	}
	return strconv.FormatFloat(n, 'f', decimals, 64) + " " + unit
}

// edgeTime is a time with the digits that it has, which are few.
func edgeTime(ms float64) string {
	n, unit := inUnit(ms)
	return strconv.FormatFloat(n, 'g', 3, 64) + " " + unit
}

// inUnit is a time in the unit that fits.
func inUnit(ms float64) (n float64, unit string) {
	switch {
	case ms < 1:
		return ms * 1000, "µs"
	case ms < 1000:
		return ms, "ms"
	}
	return ms / 1000, "s"
}

// grouped is a number with its digits in threes.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func messagesOf(n int64) string { return words.Counted(int(n), "message", "messages") }
