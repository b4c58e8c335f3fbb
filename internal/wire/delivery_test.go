package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func same(a, b Delivery) bool {
	return a.Tag == b.Tag && a.ID == b.ID && a.Attempt == b.Attempt && a.Time == b.Time && a.Key == b.Key && a.Type == b.Type &&
		a.App == b.App && a.ClientID == b.ClientID && bytes.Equal(a.Body, b.Body)
}

func TestADeliveryIsReadInEveryKnownShape(t *testing.T) {
	full := Delivery{Tag: 1, Time: 1400568648, Key: "order.new", Type: "text/plain", App: "a", ClientID: "c", Body: []byte("hi")}
	for _, tt := range []struct {
		name, frame string
		want        Delivery
	}{
		{"documented", `{"time":1400568648,"tag":1,"key":"order.new","type":"text/plain","app":"a","client_id":"c","body":"hi"}`, full},
		{"white space and another order", "\n{ \"body\" : \"hi\" ,\t\"tag\":1, \"app\":\"a\",\"client_id\":\"c\",\"type\":\"text/plain\",\"key\":\"order.new\",\"time\":1400568648 } ", full},
		{"app_name, unknown members", `{"x":{"a":[1,"}"]},"time":1400568648,"tag":1,"key":"order.new","type":"text/plain","app_name":"a","client_id":"c","body":"hi","y":null}`, full},
		{"tag as a string", `{"tag":"12"}`, Delivery{Tag: 12}},
		{"with an ID", `{"time":5,"tag":1,"id":"9b4d1e00-1a2b3c","key":"k","type":"","app":"","client_id":"","body":"hi"}`, Delivery{Tag: 1, ID: "9b4d1e00-1a2b3c", Time: 5, Key: "k", Body: []byte("hi")}},
		{"the ID at the end, escaped", `{"tag":1,"body":"hi","id":"9b4d1e00\u002d1"}`, Delivery{Tag: 1, ID: "9b4d1e00-1", Body: []byte("hi")}},
		{"the ID escaped at its place", `{"time":5,"tag":1,"id":"\u002d1","key":"k","type":"","app":"","client_id":"","body":"hi"}`, Delivery{Tag: 1, ID: "-1", Time: 5, Key: "k", Body: []byte("hi")}},
		{"an ID that is a number", `{"time":5,"tag":1,"id":17,"key":"k","type":"","app":"","client_id":"","body":"hi"}`, Delivery{Tag: 1, Time: 5, Key: "k", Body: []byte("hi")}},
		{"an ID that is null", `{"tag":1,"id":null,"body":"hi"}`, Delivery{Tag: 1, Body: []byte("hi")}},
		{"an ID that is an object", `{"tag":1,"id":{"id":"x"},"body":"hi"}`, Delivery{Tag: 1, Body: []byte("hi")}},
		{"with an attempt", `{"time":5,"tag":1,"id":"9b4d1e00-1","attempt":3,"key":"k","type":"","app":"","client_id":"","body":"hi"}`, Delivery{Tag: 1, ID: "9b4d1e00-1", Attempt: 3, Time: 5, Key: "k", Body: []byte("hi")}},
		{"an attempt without an ID", `{"time":5,"tag":1,"attempt":3,"key":"k","type":"","app":"","client_id":"","body":"hi"}`, Delivery{Tag: 1, Attempt: 3, Time: 5, Key: "k", Body: []byte("hi")}},
		{"the attempt at the end", `{"tag":1,"body":"hi","attempt": 3 }`, Delivery{Tag: 1, Attempt: 3, Body: []byte("hi")}},
		{"an attempt that is no count", `{"time":5,"tag":1,"attempt":-3,"key":"k","type":"","app":"","client_id":"","body":"hi"}`, Delivery{Tag: 1, Time: 5, Key: "k", Body: []byte("hi")}},
		{"an attempt that is larger than any", `{"time":5,"tag":1,"attempt":2147483648,"key":"k","type":"","app":"","client_id":"","body":"hi"}`, Delivery{Tag: 1, Time: 5, Key: "k", Body: []byte("hi")}},
		{"an attempt that is text", `{"tag":1,"attempt":"3","body":"hi"}`, Delivery{Tag: 1, Body: []byte("hi")}},
		{"an attempt that is an object", `{"tag":1,"attempt":{"n":3},"body":"hi"}`, Delivery{Tag: 1, Body: []byte("hi")}},
		{"body as an object", `{"tag":1,"body":{"a": 1}}`, Delivery{Tag: 1, Body: []byte(`{"a": 1}`)}},
		{"body as a number", `{"tag":1,"body": 12 }`, Delivery{Tag: 1, Body: []byte(`12`)}},
		{"body null", `{"tag":1,"body":null}`, Delivery{Tag: 1}},
		{"strings null", `{"tag":1,"key":null,"type":null}`, Delivery{Tag: 1}},
		{"time as a string", `{"tag":1,"time":"5"}`, Delivery{Tag: 1, Time: 5}},
		{"time as a fraction", `{"tag":1,"time":5.7}`, Delivery{Tag: 1, Time: 5}},
		{"time that makes no sense", `{"tag":1,"time":"soon"}`, Delivery{Tag: 1}},
		{"escapes", `{"tag":1,"body":"\"\\\/\b\f\n\r\t\u4e2d\ud83d\ude00\ud83dx\udE00"}`, Delivery{Tag: 1, Body: []byte("\"\\/\b\f\n\r\t中😀\ufffdx\ufffd")}},
		{"an escaped name", `{"t\u0061g":7}`, Delivery{Tag: 7}},
		{"the last of two", `{"tag":1,"tag":2}`, Delivery{Tag: 2}},
		{"body that is not UTF-8", "{\"tag\":1,\"body\":\"\xff\xfe\"}", Delivery{Tag: 1, Body: []byte("\xff\xfe")}},
	} {
		got, err := DecodeDelivery([]byte(tt.frame))
		if err != nil || !same(got, tt.want) {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestAFrameThatIsNoDeliveryIsAnError(t *testing.T) {
	for _, tt := range []struct{ frame, reason string }{
		{``, "not a JSON object"},
		{`hello`, "not a JSON object"},
		{`[]`, "not a JSON object"},
		{`{}`, "no tag"},
		{`{"body":"x"}`, "no tag"},
		{`{"tag":1`, "not a JSON object"},
		{`{"tag":1}x`, "something follows"},
		{"{\"tag\":1}\x00", "something follows"},
		{`{"tag":1,}`, "a string is missing"},
		{`{"tag":-1}`, "whole number"},
		{`{"tag":1.5}`, "whole number"},
		{`{"tag":"amq.1"}`, "whole number"},
		{`{"tag":18446744073709551616}`, "whole number"},
		{`{"tag":1,"key":5}`, "a string is missing"},
		{`{"tag":1,"id":"abc`, "does not end"},
		{`{"time":1,"tag":1,"id":"abc`, "does not end"},
		{`{"tag":1,"id":12x}`, "not JSON"},
		{`{"tag":1,"attempt":12x}`, "not JSON"},
		{`{"time":1,"tag":1,"attempt":03,"key":"k","type":"","app":"","client_id":"","body":"hi"}`, "not JSON"},
		{`{"tag":1,"body":"abc`, "does not end"},
		{`{"tag":1,"body":"abc\`, "does not end"},
		{"{\"tag\":1,\"body\":\"a\nb\"}", "control character"},
		{`{"tag":1,"body":"\x"}`, "wrong escape"},
		{`{"tag":1,"body":"\u12g4"}`, "wrong escape"},
		{`{"tag":1,"x":[1,2}}`, "not JSON"},
		{`{"tag":1,"x":` + strings.Repeat("[", 100000), "not JSON"},
	} {
		_, err := DecodeDelivery([]byte(tt.frame))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Reason, tt.reason) {
			t.Errorf("%.40s: %v, want %q", tt.frame, err, tt.reason)
		}
	}
}

func TestADeliveryDoesNotAliasItsFrame(t *testing.T) {
	frame := []byte(`{"tag":1,"key":"k","body":"hello"}`)
	d, err := DecodeDelivery(frame)
	if err != nil {
		t.Fatal(err)
	}
	clear(frame)
	if d.Key != "k" || string(d.Body) != "hello" {
		t.Errorf("changed with its frame: %+v", d)
	}
}

func TestAReadMessageKeepsItsBytes(t *testing.T) {
	for _, id := range []string{"", "9b4d1e00-1a2b3c"} {
		want := Delivery{ID: id, Time: 5, Key: "k", Body: []byte("a\"\\\xff\n")}
		object := AppendMessage(nil, &want)
		for _, text := range [][]byte{object, appendQuoted(nil, object)} {
			if got, err := DecodeMessage(text); err != nil || !same(got, want) {
				t.Errorf("%s: %+v, %v", text, got, err)
			}
		}
	}
	if _, err := DecodeMessage([]byte(`"{`)); err == nil {
		t.Error("a string without end was read")
	}
}

// A time that makes no sense is none, in whatever shape the frame is.
func TestAnImpossibleTimeLosesNoDelivery(t *testing.T) {
	const rest = `"tag":3,"key":"k","type":"t","app":"a","client_id":"c","body":"b"}`
	for _, frame := range []string{`{"time":18446744073709551615,` + rest, `{ "time":18446744073709551615,` + rest} {
		if d, err := DecodeDelivery([]byte(frame)); err != nil || d.Tag != 3 || d.Time < 0 || string(d.Body) != "b" {
			t.Errorf("%s: %+v, %v", frame, d, err)
		}
	}
}

// Published SDKs and captures of an earlier platform know no ID.
func TestADeliveryWithoutIDHasTheBytesOfBefore(t *testing.T) {
	d := Delivery{Tag: 1, Time: 5, Key: "k", Type: "t", App: "a", ClientID: "c", Body: []byte("b")}
	if got, want := string(AppendDelivery(nil, &d)), `{"time":5,"tag":1,"key":"k","type":"t","app":"a","client_id":"c","body":"b"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	d.ID = "9b4d1e00-f"
	if got, want := string(AppendDelivery(nil, &d)), `{"time":5,"tag":1,"id":"9b4d1e00-f","key":"k","type":"t","app":"a","client_id":"c","body":"b"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := string(AppendMessage(nil, &d)), `{"time":5,"id":"9b4d1e00-f","key":"k","type":"t","app":"a","client_id":"c","body":"b"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The count of attempts came after the ID.
func TestADeliveryWithoutAttemptHasTheBytesOfBefore(t *testing.T) {
	d := Delivery{Tag: 1, ID: "9b4d1e00-f", Time: 5, Key: "k", Type: "t", App: "a", ClientID: "c", Body: []byte("b")}
	if got, want := string(AppendDelivery(nil, &d)), `{"time":5,"tag":1,"id":"9b4d1e00-f","key":"k","type":"t","app":"a","client_id":"c","body":"b"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	d.Attempt = 12
	if got, want := string(AppendDelivery(nil, &d)), `{"time":5,"tag":1,"id":"9b4d1e00-f","attempt":12,"key":"k","type":"t","app":"a","client_id":"c","body":"b"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOneAllocationADelivery(t *testing.T) {
	frames := numbered(8)
	var dec Decoder
	i := 0
	n := testing.AllocsPerRun(100, func() {
		var d Delivery
		if err := dec.Decode(frames[i%len(frames)], &d); err != nil {
			t.Fatal(err)
		}
		i++
	})
	if n > 1 { // the body, escaped or not, and nothing else
		t.Errorf("%v allocations", n)
	}
}

// An ID that the platform has as a number costs no allocation.
func TestAnIDIsWrittenWithoutAllocation(t *testing.T) {
	frame := make([]byte, 0, 1<<10)
	body := make([]byte, 200)
	number := uint64(0xfffffff0)
	n := testing.AllocsPerRun(100, func() {
		var id [32]byte
		number++
		frame = AppendDelivery(frame[:0], &Delivery{
			Tag: 1, ID: string(strconv.AppendUint(append(id[:0], "9b4d1e00-"...), number, 16)), Key: "order.new", Body: body,
		})
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// The decoder gives IDs that share memory; each must stay what it was.
func TestIDsOfManyDeliveriesStayAsTheyCame(t *testing.T) {
	var dec Decoder
	var got, want []string
	for i := range 1000 {
		id := strings.Repeat("x", i%300) + strconv.Itoa(i)
		var d Delivery
		if err := dec.Decode(AppendDelivery(nil, &Delivery{Tag: 1, ID: id, Key: "k", Body: []byte("b")}), &d); err != nil {
			t.Fatal(err)
		}
		if cap := dec.ids.Cap(); cap > 2*maxIDs {
			t.Fatalf("an ID of %d bytes keeps %d", len(id), cap)
		}
		got, want = append(got, d.ID), append(want, id)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// numbered is a sequence of n deliveries as a queue has them, where the ID changes with
// the tag.
func numbered(n int) [][]byte {
	frames := make([][]byte, n)
	for i := range frames {
		frames[i] = AppendDelivery(nil, &Delivery{
			Tag: uint64(i), ID: fmt.Sprintf("9b4d1e00-%x", 0x1a2b3c+i), Attempt: 1, Time: 1400568648,
			Key: "order.new", Type: "text/plain", App: "app", ClientID: "buwb2lii", Body: bytes.Repeat([]byte("0123456789"), 20),
		})
	}
	return frames
}

func FuzzDeliverySurvivesTheWire(f *testing.F) {
	f.Add(uint64(1), "9b4d1e00-1a2b3c", int32(3), int64(1400568648), "order.new", "text/plain", "app", "c", []byte("hi \"\\\n\x00\xff中"))
	f.Add(uint64(1), "", int32(0), int64(0), "", "", "", "", []byte(nil))
	f.Fuzz(func(t *testing.T, tag uint64, id string, attempt int32, time int64, key, typ, app, client string, body []byte) {
		want := Delivery{Tag: tag, ID: id, Attempt: int(max(attempt, 0)), Time: time, Key: key, Type: typ, App: app, ClientID: client, Body: body}
		frame := AppendDelivery(nil, &want)
		got, err := DecodeDelivery(frame)
		if err != nil || !same(got, want) {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		if utf8.Valid(frame) && !json.Valid(frame) {
			t.Fatalf("not JSON: %q", frame)
		}
	})
}

// The general decoder is the oracle of ours.
func FuzzDecodeDelivery(f *testing.F) {
	f.Add(AppendDelivery(nil, &Delivery{Tag: 1, Time: 2, Key: "k", Type: "t", App: "a", ClientID: "c", Body: []byte("b\n")}))
	f.Add(AppendDelivery(nil, &Delivery{Tag: 1, ID: "9b4d1e00-1", Time: 2, Key: "k", Body: []byte("b")}))
	for _, s := range []string{`{"tag":1,"id":5}`, `{"tag":1,"id":"\u0041","id":null}`, `{"tag":1,"attempt":2}`, `{"tag":1,"attempt":-2,"attempt":1e3}`, `{"time":2,"tag":1,"attempt":7,"key":"k","type":"","app":"","client_id":"","body":"b"}`, `{"tag":1,"body":"\u00e9\n"}`, `{"tag":1,"body":{"a":[1,"x"]}}`, `{"x":{"y":"}"},"tag":"5"}`, `{"tag":1,"body":1e5 }`, `{"tag":1,"body":"\ud800\u0041"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, err := DecodeDelivery(frame)
		want, ok := oracle(frame)
		if (err == nil) != ok {
			t.Fatalf("%q: %v, the general decoder accepts it: %v", frame, err, ok)
		}
		if err == nil && utf8.Valid(frame) && (got.Tag != want.Tag || got.ID != want.ID || got.Attempt != want.Attempt || got.Key != want.Key || !bytes.Equal(got.Body, want.Body)) {
			t.Fatalf("%q: %+v, want %+v", frame, got, want)
		}
	})
}

// A decoder remembers the last frame, which must not show in the next.
func FuzzTheLastFrameChangesNothing(f *testing.F) {
	usual := func(tag uint64, body string) []byte {
		return AppendDelivery(nil, &Delivery{Tag: tag, Time: 2, Key: "k", Type: "t", App: "a", ClientID: "c", Body: []byte(body)})
	}
	f.Add(usual(1, "b"), usual(2, "b\n"))
	f.Add(usual(9, ""), usual(10, `"`))
	named := func(tag uint64, id string) []byte {
		return AppendDelivery(nil, &Delivery{Tag: tag, ID: id, Time: 2, Key: "k", Type: "t", App: "a", ClientID: "c", Body: []byte("b")})
	}
	f.Add(named(1, "9b4d1e00-f"), named(2, "9b4d1e00-10"))
	f.Add(named(1, "9b4d1e00-f"), named(2, ""))
	f.Add(named(1, ""), named(2, "9b4d1e00-f"))
	f.Add(named(1, "9b4d1e00-f"), []byte(`{"time":2,"tag":3,"id":5,"key":"k","type":"t","app":"a","client_id":"c","body":"b"}`))
	f.Add(named(1, "9b4d1e00-f"), []byte(`{"time":2,"tag":3,"id":"x","key":"k","type":"t","app":"a","client_id":"c","body":"b","id":"y"}`))
	tried := func(tag uint64, attempt int) []byte {
		return AppendDelivery(nil, &Delivery{Tag: tag, ID: "9b4d1e00-f", Attempt: attempt, Time: 2, Key: "k", Type: "t", App: "a", ClientID: "c", Body: []byte("b")})
	}
	f.Add(tried(1, 1), tried(2, 1))
	f.Add(tried(1, 1), tried(2, 12))
	f.Add(tried(1, 12), tried(2, 1))
	f.Add(tried(1, 1), tried(2, 0))
	f.Add(tried(1, 0), tried(2, 1))
	f.Add(tried(1, 1), []byte(`{"time":2,"tag":3,"id":"x","attempt":1,"key":"k","type":"t","app":"a","client_id":"c","body":"b","attempt":2}`))
	f.Add(usual(1, "b"), []byte(`{"time":2,"tag":3,"key":"k","type":"t","app":"a","client_id":"c","body":"b","key":"l"}`))
	f.Add(usual(1, "b"), []byte(`{"time":2,"tag":3,"key":"k","type":"t","app":"a","client_id":"c","body":"b"}}`))
	f.Add([]byte(`{"time":2,"tag":3,"key":"\u006b","type":null,"app":"a","client_id":"c","body":"b"}`), usual(1, "b"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var dec Decoder
		var got Delivery
		_ = dec.Decode(first, &got)
		err := dec.Decode(second, &got)
		want, wantErr := DecodeDelivery(second)
		if !same(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("after %q: %+v, %v, want %+v, %v", first, got, err, want, wantErr)
		}
	})
}

func oracle(frame []byte) (d Delivery, ok bool) {
	var members map[string]json.RawMessage
	if !json.Valid(frame) || json.Unmarshal(frame, &members) != nil || members == nil {
		return d, false
	}
	tag := strings.Trim(string(members["tag"]), `"`)
	d.Tag, ok = parseUint([]byte(tag))
	for name, into := range map[string]*string{"key": &d.Key, "type": &d.Type, "app": &d.App, "app_name": new(string), "client_id": &d.ClientID} {
		if raw, there := members[name]; there && json.Unmarshal(raw, into) != nil {
			return d, false
		}
	}
	if id := members["id"]; len(id) > 0 && id[0] == '"' {
		_ = json.Unmarshal(id, &d.ID)
	}
	if n, err := strconv.ParseUint(string(members["attempt"]), 10, 31); err == nil {
		d.Attempt = int(n)
	}
	if body := members["body"]; len(body) > 0 && string(body) != "null" {
		d.Body = body
		if body[0] == '"' {
			var s string
			_ = json.Unmarshal(body, &s)
			d.Body = []byte(s)
		}
	}
	return d, ok
}

func BenchmarkDecodeDelivery(b *testing.B) {
	unnamed := Delivery{Tag: 1, Time: 1400568648, Key: "order.new", Type: "text/plain", App: "app", ClientID: "buwb2lii", Body: bytes.Repeat([]byte("0123456789"), 20)}
	frame := AppendDelivery(nil, &unnamed)
	for name, frames := range map[string][][]byte{
		"without ID": {frame},
		"ours":       numbered(64), // so few that the cache holds them
		"escaped":    {AppendDelivery(nil, &Delivery{Tag: 1, Body: bytes.Repeat([]byte(`{"number":"1"},`), 13)})},
	} {
		b.Run(name, func(b *testing.B) {
			var dec Decoder
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				var d Delivery
				if err := dec.Decode(frames[i%len(frames)], &d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("general", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var d struct {
				Tag, Time            int64
				Key, Type, App, Body string
				ClientID             string `json:"client_id"`
			}
			if err := json.Unmarshal(frame, &d); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPlain(b *testing.B) {
	body := bytes.Repeat([]byte("0123456789"), 20)
	for b.Loop() {
		if plain(body) != len(body) {
			b.Fatal("not plain")
		}
	}
}

func BenchmarkPlainByteByByte(b *testing.B) {
	body := bytes.Repeat([]byte("0123456789"), 20)
	for b.Loop() {
		n := 0
		for n < len(body) && body[n] >= 0x20 && body[n] != '"' && body[n] != '\\' {
			n++
		}
		if n != len(body) {
			b.Fatal("not plain")
		}
	}
}

// A caller that keeps one body keeps the chunk that it is in.
func TestAKeptBodyKeepsLittleElse(t *testing.T) {
	var dec Decoder
	for size := range 2 * smallBody {
		frame := AppendDelivery(nil, &Delivery{Tag: 1, Body: bytes.Repeat([]byte("x"), size)})
		var d Delivery
		if err := dec.Decode(frame, &d); err != nil || len(d.Body) != size {
			t.Fatal(len(d.Body), err)
		}
		if dec.chunkSize > 2<<10 || size > smallBody && cap(d.Body) > 2*size {
			t.Fatalf("a body of %d bytes keeps %d, its chunk has %d", size, cap(d.Body), dec.chunkSize)
		}
	}
}
