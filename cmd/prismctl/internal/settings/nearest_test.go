package settings

import "testing"

func FuzzDistanceIsThatOfSlips(f *testing.F) {
	f.Add("listen", "lisen")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 200 {
			return
		}
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)) {
			t.Fatalf("%q and %q are %d apart", a, b, d)
		}
	})
}
