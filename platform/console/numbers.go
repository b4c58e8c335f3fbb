package console

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Numbers as people write them. English and Chinese both have a comma before each three
// digits.

// thousands writes a number with a comma before each three digits.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return sign + b.String()
}

// rounded writes a number with three digits, or more before the point.
func rounded(v float64) string {
	size := math.Abs(v)
	if size >= 100 {
		return thousands(int64(math.Round(v)))
	}
	places := 2
	if size >= 10 {
		places = 1
	}
	text := strconv.FormatFloat(v, 'f', places, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// milliseconds writes a duration.
func milliseconds(ms float64) string {
	if ms >= 1000 {
		return rounded(ms/1000) + " s"
	}
	return rounded(ms) + " ms"
}

// byteSize writes bytes by powers of 1,024.
func byteSize(bytes float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	for len(units) > 1 && bytes >= 1024 {
		bytes, units = bytes/1024, units[1:]
	}
	return rounded(bytes) + " " + units[0]
}

// N writes a number of things.
func (v *view) N(n any) string {
	switch n := n.(type) {
	case int:
		return thousands(int64(n))
	case int64:
		return thousands(n)
	case float64:
		return rounded(n)
	}
	return ""
}

// Clock writes a time to the minute, one of the last hours without its day.
func (v *view) Clock(t time.Time) string {
	if v.Now.Sub(t).Abs() < 12*time.Hour {
		return t.UTC().Format("15:04 UTC")
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// MS writes milliseconds.
func (v *view) MS(ms float64) string { return milliseconds(ms) }

// Bytes writes a size.
func (v *view) Bytes(n int64) string { return byteSize(float64(n)) }

// percent returns how many of a hundred.
func percent(part, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return 100 * float64(part) / float64(of)
}

// perSecond returns the rate of what was counted in a time.
func perSecond(n int64, in time.Duration) float64 { return float64(n) / in.Seconds() }
