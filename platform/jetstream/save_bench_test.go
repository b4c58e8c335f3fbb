package jetstream

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkSave replaces records of 300 bytes one after the other.
func BenchmarkSave(b *testing.B) {
	for _, interval := range []time.Duration{0, time.Minute} {
		for _, ttl := range []time.Duration{0, time.Hour} {
			b.Run(fmt.Sprintf("sync=%v/ttl=%v", interval, ttl), func(b *testing.B) {
				s := open(b, Config{Dir: b.TempDir(), SyncInterval: interval}).Store()
				var revisions [100]uint64
				value := make([]byte, 300)
				for i := range b.N {
					r, err := s.Save(b.Context(), "session", fmt.Sprint(i%100), value, revisions[i%100], ttl)
					if err != nil {
						b.Fatal(err)
					}
					revisions[i%100] = r
				}
				b.StopTimer()
			})
		}
	}
}
