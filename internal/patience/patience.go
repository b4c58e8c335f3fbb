// Package patience gives tests more time on a busy machine, so that a slow test is not
// taken for a stuck one.
package patience

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Of returns d on a quiet machine, and more on a busy one: d times [Factor].
func Of(d time.Duration) time.Duration {
	return time.Duration(float64(d) * Factor())
}

// Factor returns how many processes wanted each processor in the last minute, and at
// least 1. It is 1 on a system that does not report that.
func Factor() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	return factor(string(text), runtime.NumCPU())
}

func factor(loadavg string, processors int) float64 {
	lastMinute, _, _ := strings.Cut(loadavg, " ")
	load, _ := strconv.ParseFloat(lastMinute, 64)
	return max(1, load/float64(processors))
}
