package jetstream

import (
	"fmt"
	"maps"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// parked returns what q has parked, which counts under bounds over several queues.
func (q picture) parked() platform.Usage {
	return platform.Usage{Messages: int64(q.Parked), Bytes: q.ParkedBytes}
}

// failed compares which of the messages that have failed were parked, and notes it.
func (d *duel) failed(c *duelist, bodies []string, gone [2][]uint64) {
	d.Helper()
	var parked [2][]string
	for i := range gone {
		for _, body := range bodies {
			if slices.Contains(gone[i], c.held[body][i]) {
				parked[i] = append(parked[i], body)
			}
		}
	}
	d.equal("what was parked", parked[0], parked[1])
	d.equal("how much was parked", len(gone[0]), len(gone[1]))
	for _, body := range parked[0] {
		delete(c.held, body)
	}
}

// park parks some of all messages that there ever were, or takes them from what is parked.
func (d *duel) park(owner, name string) {
	op := d.IntN(5)
	bodies := slices.DeleteFunc(slices.Sorted(maps.Keys(d.ids)), func(string) bool { return d.IntN(3) > 0 })
	d.note("park %s %q %d: %q", owner, name, op, bodies)
	var n [2]int
	var errs [2]error
	for i, q := range d.both {
		ids := []platform.MessageID{{}, {Log: 7, Number: 7}}
		for _, body := range bodies {
			ids = append(ids, d.ids[body][i])
		}
		switch op {
		case 0, 1:
			n[i], errs[i] = q.Park(d.Context(), owner, name, fmt.Sprint("asked ", d.last), "by", ids...)
		case 2, 3:
			n[i], errs[i] = q.Unpark(d.Context(), owner, name, ids...)
		default:
			n[i], errs[i] = q.Discard(d.Context(), owner, name, ids...)
		}
	}
	_ = d.same(errs)
	d.equal("with how many messages that was done", n[0], n[1])
}

// sameParked compares what is parked.
func (d *duel) sameParked(owner, name string, after [2]platform.MessageID, n int) {
	d.Helper()
	var all [2][]string
	for i, q := range d.both {
		found, err := q.Parked(d.Context(), owner, name, after[i], n)
		d.must(err)
		for _, p := range found {
			all[i] = append(all[i], fmt.Sprintf("%s %d %s %s", p.Message.Body, p.Attempts, p.Reason, p.By))
			if id := d.ids[string(p.Message.Body)][i]; !id.IsZero() && id != p.Message.ID {
				d.Fatalf("engine %d: a parked message has the ID %v, and had %v", i, p.Message.ID, id)
			}
		}
	}
	d.equal(fmt.Sprintf("what is parked in %s %q", owner, name), all[0], all[1])
}
