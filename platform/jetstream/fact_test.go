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
	}
	_, got, err := decodeRecord(7, appendRecord(nil, mark{1}, facts))
	assignNumbers(7, facts)
	if err != nil || !reflect.DeepEqual(got, facts) {
		t.Errorf("got %+v, %v", got, err)
	}
	if facts[1].queue != facts[0].number || facts[3].number != 7<<12|3 || facts[9].queue != facts[0].number {
		t.Errorf("numbers %x, %x, %x", facts[0].number, facts[1].queue, facts[3].number)
	}
}

func FuzzDecodedRecordsCanBeWrittenAgain(f *testing.F) {
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factPut, queues: []uint64{1 << 20}, message: &platform.Message{Key: "k", Body: []byte("b")}}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factPurge, queue: 1 << 20, number: 5, numbers: []uint64{1, 2}}, {kind: factGone, text: "x"}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factOwner, owner: "x", listen: platform.Matching("a")}, {kind: factLimits, queue: 1 << 20, numbers: []uint64{1, 2}}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factShed, queues: []uint64{1 << 20}, numbers: []uint64{5}}, {kind: factDropped, queues: []uint64{1 << 20}, numbers: []uint64{6}}}))
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
		{kind: factShed, queues: []uint64{1}, numbers: []uint64{1, 2}},
		{kind: factDropped, queues: []uint64{1, 2}, numbers: []uint64{1}},
		{kind: afterFacts},
	} {
		if _, _, err := decodeRecord(1, appendRecord(nil, mark{}, []fact{f})); !errors.Is(err, errBroken) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}
