package jetstream

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	facts := []fact{
		{kind: factQueue, owner: shop, text: "orders"},
		{kind: factBind, queue: 0, text: "order.#"},
		{kind: factUnbind, queue: 1 << 20, text: "order.#"},
		{kind: factPut, queues: []uint64{1 << 20, 5 << 12}, message: &platform.Message{Key: "k", Body: []byte{0, 255}, Time: time.Unix(-1, 0)}},
		{kind: factMove, number: 1 << 40, queues: []uint64{1 << 20}, message: &platform.Message{Body: []byte{}, App: "shop"}},
		{kind: factLease, queue: 1 << 20, consumer: 1<<64 - 2, numbers: []uint64{9, 3, 1<<64 - 1}},
		{kind: factOwner, owner: shop, text: "domain"},
		{kind: factOwner, owner: shop, listen: platform.Nothing()},
		{kind: factOwner, owner: shop, listen: platform.Matching("order.#", "")},
		{kind: factRoute, queue: 0, text: "#"},
		{kind: factLimits, queue: 1 << 20, text: "refuse", numbers: []uint64{5, 1<<64 - 1}},
		{kind: factShed, queues: []uint64{1 << 20, 1 << 20}, numbers: []uint64{9 << 12, 8 << 12}},
		{kind: factDropped, queues: []uint64{1 << 20, 5 << 12}, numbers: []uint64{1, 1 << 63}},
		{kind: factLimits, queue: 1 << 20, numbers: []uint64{0, 0, 3}},
		{kind: factTried, queue: 1 << 20, numbers: []uint64{9 << 12, 3 << 12}, queues: []uint64{1, 65_535}},
		{kind: factPark, queue: 1 << 20, numbers: []uint64{9 << 12}, number: 1 << 31, owner: "by", text: "why"},
		{kind: factPark, queue: 1 << 20, numbers: []uint64{9 << 12}, consumer: 8 << 12},
		{kind: factUnpark, queue: 1 << 20, numbers: []uint64{9 << 12, 1}},
		{kind: factParkedDropped, queues: []uint64{1 << 20}, numbers: []uint64{7}},
		{kind: factJoin, queue: 1 << 20, number: 6 << 12, consumer: 2, owner: "name", text: "engine"},
	}
	_, got, err := decodeRecord(7, appendRecord(nil, mark{1}, facts))
	assignNumbers(7, facts)
	if err != nil || !reflect.DeepEqual(got, facts) {
		t.Errorf("got %+v, %v", got, err)
	}
	if facts[1].queue != facts[0].number || facts[3].number != 7<<12|3 || facts[9].queue != facts[0].number {
		t.Errorf("numbers %x, %x, %x", facts[0].number, facts[1].queue, facts[3].number)
	}
	if facts[15].consumer != 7<<12|15 || facts[16].consumer != 8<<12 {
		t.Errorf("places %x, %x", facts[15].consumer, facts[16].consumer)
	}
}

func FuzzDecodedRecordsCanBeWrittenAgain(f *testing.F) {
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factPut, queues: []uint64{1 << 20}, message: &platform.Message{Key: "k", Body: []byte("b")}}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factPurge, queue: 1 << 20, number: 5, numbers: []uint64{1, 2}}, {kind: factGone, text: "x"}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factOwner, owner: "x", listen: platform.Matching("a")}, {kind: factLimits, queue: 1 << 20, numbers: []uint64{1, 2}}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factShed, queues: []uint64{1 << 20}, numbers: []uint64{5}}, {kind: factDropped, queues: []uint64{1 << 20}, numbers: []uint64{6}}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factTried, queue: 1 << 20, numbers: []uint64{5}, queues: []uint64{2}}, {kind: factPark, queue: 1 << 20, numbers: []uint64{5}, text: "why", owner: "by"}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factUnpark, queue: 1 << 20, numbers: []uint64{5}}, {kind: factParkedDropped, queues: []uint64{1 << 20}, numbers: []uint64{6}}, {kind: factLimits, queue: 1 << 20, numbers: []uint64{1, 2, 3}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, facts, err := decodeRecord(1, b)
		if err != nil {
			if !errors.Is(err, errBroken) {
				t.Error(err)
			}
			return
		}
		again, twice, err := decodeRecord(1, appendRecord(nil, m, facts))
		if err != nil || again != m || len(twice) != len(facts) {
			t.Fatalf("%v", err)
		}
		if !bytes.Equal(appendRecord(nil, m, facts), appendRecord(nil, m, twice)) {
			t.Error("another record came out")
		}
	})
}

// What has a count too many could be applied only in part.
func TestARecordWithFactsThatDoNotFitIsBroken(t *testing.T) {
	for _, f := range []fact{
		{kind: factLimits, numbers: []uint64{1}},
		{kind: factLimits, numbers: []uint64{1, 2, 3, 4}},
		{kind: factTried, queue: 1 << 20, numbers: []uint64{1, 2}, queues: []uint64{1}},
		{kind: factParkedDropped, queues: []uint64{1, 2}, numbers: []uint64{1}},
		{kind: factShed, queues: []uint64{1}, numbers: []uint64{1, 2}},
		{kind: factDropped, queues: []uint64{1, 2}, numbers: []uint64{1}},
		{kind: afterFacts},
	} {
		if _, _, err := decodeRecord(1, appendRecord(nil, mark{}, []fact{f})); !errors.Is(err, errBroken) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}
