package limit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// A Count is how many calls a process has allowed in a window.
type Count struct {
	Window
	Calls int
}

// Counted returns what was counted in the windows that now is in and that are leveled: at
// most most of them, those with the most calls first.
func (w *Windows) Counted(most int, now time.Time) []Count {
	var all []Count
	for i := range w.shards {
		all = w.shards[i].counted(all, now)
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Compare(b.Calls, a.Calls) })
	return all[:min(most, len(all))]
}

func (s *shard) counted(all []Count, now time.Time) []Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.known {
		if c.calls > 0 && c.Per >= Leveled && c.end().After(now) {
			all = append(all, Count{c.Window, c.calls})
		}
	}
	return all
}

// SetOthers says what the other processes have counted, each of them once, in place of
// what was said before.
func (w *Windows) SetOthers(counted ...[]Count) {
	o := &others{exchange: w.exchanges.Add(1), processes: 1 + len(counted), calls: make(map[Window]int)}
	for _, counts := range counted {
		for _, c := range counts {
			o.calls[c.Window] += c.Calls
		}
	}
	w.others.Store(o)
}

// CountBytes is the length of a Count as Encode writes it.
const CountBytes = len(ID{}) + 4 + 8 + 4

var errCounts = errors.New("limit: these are no counts of calls")

// Encode writes counts. Their windows are of whole seconds.
func Encode(counts []Count) []byte {
	text := make([]byte, 0, len(counts)*CountBytes)
	for _, c := range counts {
		text = append(text, c.ID[:]...)
		text = binary.BigEndian.AppendUint32(text, uint32(c.Per/time.Second))
		text = binary.BigEndian.AppendUint64(text, uint64(c.Number))
		text = binary.BigEndian.AppendUint32(text, uint32(min(c.Calls, maxCalls)))
	}
	return text
}

// maxCalls is more than a limit can be.
const maxCalls = 1<<31 - 1

// Decode reads what Encode has written.
func Decode(text []byte) ([]Count, error) {
	if len(text)%CountBytes != 0 {
		return nil, errCounts
	}
	counts := make([]Count, 0, len(text)/CountBytes)
	for one := range slices.Chunk(text, CountBytes) {
		var c Count
		rest := one[copy(c.ID[:], one):]
		c.Per = time.Duration(binary.BigEndian.Uint32(rest)) * time.Second
		c.Number = int64(binary.BigEndian.Uint64(rest[4:]))
		calls := binary.BigEndian.Uint32(rest[12:])
		if calls > maxCalls {
			return nil, errCounts
		}
		c.Calls = int(calls)
		counts = append(counts, c)
	}
	return counts, nil
}
