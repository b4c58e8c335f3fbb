package platform

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAMessageIsParkedAtEachMultipleOfTheLimit(t *testing.T) {
	for _, row := range []struct {
		limit, attempts int
		want            bool
	}{
		{0, 1, false}, {0, MaxAttemptsCounted, false}, {-1, 1, false},
		{1, 1, true}, {1, 2, true},
		{3, 1, false}, {3, 2, false}, {3, 3, true}, {3, 4, false}, {3, 6, true},
		{7, MaxAttemptsCounted, true}, // which is no multiple, but the last that is counted
	} {
		if got := (QueueLimits{MaxAttempts: row.limit}).Parks(row.attempts); got != row.want {
			t.Errorf("with a limit of %d, attempt %d parks: %v", row.limit, row.attempts, got)
		}
	}
}

func FuzzAReasonIsText(f *testing.F) {
	f.Add("it cannot be handled")
	f.Add("\xff" + strings.Repeat("\u00e9", MaxReason))
	f.Fuzz(func(t *testing.T, reason string) {
		kept := ParkReason(reason)
		if !utf8.ValidString(kept) || len(kept) > MaxReason {
			t.Errorf("%q is kept as %q of %d bytes", reason, kept, len(kept))
		}
		if utf8.ValidString(reason) && len(reason) <= MaxReason && kept != reason {
			t.Errorf("%q is kept as %q", reason, kept)
		}
		if ParkReason(kept) != kept {
			t.Errorf("%q becomes %q", kept, ParkReason(kept))
		}
	})
}
