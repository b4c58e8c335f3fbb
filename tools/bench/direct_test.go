package main

import "testing"

// What is compared with is complete, too: nothing is left in the stream, and no
// acknowledgement is missing.
func TestTheDirectWayLeavesNothing(t *testing.T) {
	d, err := openDirect()
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	for range 3 {
		if err := d.pass(200); err != nil {
			t.Fatal(err)
		}
		info, err := d.queue.Info(t.Context())
		if err != nil || info.NumAckPending+int(info.NumPending) > 0 || info.NumRedelivered > 0 {
			t.Errorf("the consumer has %+v, %v", info, err)
		}
		stream, err := d.js.Stream(t.Context(), directQueue)
		if err != nil {
			t.Fatal(err)
		}
		if left := stream.CachedInfo().State.Msgs; left > 0 {
			t.Errorf("the stream has %d messages", left)
		}
	}
}
