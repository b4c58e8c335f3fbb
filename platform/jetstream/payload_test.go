package jetstream

import (
	"bytes"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestAServerOfSmallMessagesIsNamedWhenItLowersTheFanOut(t *testing.T) {
	for _, c := range []struct {
		largest, asked, want int
		warned               bool
	}{
		{minPayload, 10_000, fanOutBound(minPayload), true},
		{minPayload, 100, 100, false},
		{8 << 20, 10_000, 10_000, false},
		{8 << 20, math.MaxInt, fanOutBound(8 << 20), true},
		{mostPayload, math.MaxInt, fanOutBound(mostPayload), false}, // nothing helps
	} {
		var log bytes.Buffer
		e := &Engine{largest: c.largest, config: Config{QueueBounds: platform.QueueBounds{MaxFanOut: c.asked}, Logger: slog.New(slog.NewTextHandler(&log, nil))}}
		e.boundFanOut()
		if got := e.config.MaxFanOut; got != c.want || strings.Contains(log.String(), "max_payload") != c.warned {
			t.Errorf("of %d queues %d are allowed with %d bytes, want %d; the log is %q", c.asked, got, c.largest, c.want, &log)
		}
	}
}
