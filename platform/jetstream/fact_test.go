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
	}
	_, got, err := decodeRecord(7, appendRecord(nil, mark{1}, facts))
	assignNumbers(7, facts)
	if err != nil || !reflect.DeepEqual(got, facts) {
		t.Errorf("got %+v, %v", got, err)
	}
	if facts[1].queue != facts[0].number || facts[3].number != 7<<12|3 {
		t.Errorf("numbers %x, %x, %x", facts[0].number, facts[1].queue, facts[3].number)
	}
}

func FuzzDecodedRecordsCanBeWrittenAgain(f *testing.F) {
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factPut, queues: []uint64{1 << 20}, message: &platform.Message{Key: "k", Body: []byte("b")}}}))
	f.Add(appendRecord(nil, mark{}, []fact{{kind: factPurge, queue: 1 << 20, number: 5, numbers: []uint64{1, 2}}, {kind: factGone, text: "x"}}))
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
