package prism

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"
)

type color int

func (c color) MarshalText() ([]byte, error) { return []byte("red"), nil }

type money struct{ cents int }

func (m *money) MarshalJSON() ([]byte, error) { return json.Marshal(m.cents) }

type broken struct{}

func (broken) MarshalText() ([]byte, error) { return nil, errors.New("it broke") }

func TestParamsAreWrittenByType(t *testing.T) {
	seven := 7
	var itself any
	itself = &itself
	at := time.Unix(1400568648, 999)
	for _, row := range []struct {
		name  string
		value any
		want  []string // nil: left out
	}{
		{"string", "a b&c", []string{"a b&c"}},
		{"empty string", "", []string{""}},
		{"named string", json.Number("12.50"), []string{"12.50"}},
		{"bytes", []byte("\xff\x00"), []string{"\xff\x00"}},
		{"no bytes", []byte{}, []string{""}},
		{"byte array", [2]byte{'h', 'i'}, []string{"hi"}},
		{"int", -7, []string{"-7"}},
		{"least int", int64(math.MinInt64), []string{"-9223372036854775808"}},
		{"greatest uint", uint64(math.MaxUint64), []string{"18446744073709551615"}},
		{"int8", int8(-8), []string{"-8"}},
		{"float", 0.1, []string{"0.1"}},
		{"float32", float32(0.1), []string{"0.1"}},
		{"large float", 1e21, []string{"1000000000000000000000"}},
		{"small float", 1e-7, []string{"0.0000001"}},
		{"whole float", 3.0, []string{"3"}},
		{"true", true, []string{"1"}},
		{"false", false, []string{"0"}},
		{"nil", nil, nil},
		{"nil pointer", (*int)(nil), nil},
		{"nil pointer that marshals", (*big.Int)(nil), nil},
		{"nil slice", []string(nil), nil},
		{"nil bytes", []byte(nil), nil},
		{"nil map", map[string]int(nil), nil},
		{"empty slice", []int{}, nil},
		{"pointer", &seven, []string{"7"}},
		{"time", at, []string{"1400568648"}},
		{"pointer to time", &at, []string{"1400568648"}},
		{"strings", []string{"a", "", "b"}, []string{"a", "", "b"}},
		{"numbers", [3]int{1, 2, 3}, []string{"1", "2", "3"}},
		{"mixed scalars", []any{1, "x", true, nil, &seven, at}, []string{"1", "x", "1", "7", "1400568648"}},
		{"byte slices", [][]byte{[]byte("a"), []byte("b")}, []string{"a", "b"}},
		{"map", map[string]any{"b": "<&>", "a": 1}, []string{`{"a":1,"b":"<&>"}`}},
		{"struct", struct {
			A int `json:"a"`
		}{1}, []string{`{"a":1}`}},
		{"slice of maps", []map[string]int{{"a": 1}, {"b": 2}}, []string{`[{"a":1},{"b":2}]`}},
		{"slice of slices", [][]int{{1}, {2, 3}}, []string{`[[1],[2,3]]`}},
		{"slice with one map", []any{1, map[string]int{"a": 1}}, []string{`[1,{"a":1}]`}},
		{"raw JSON", json.RawMessage(`{"a": 1}`), []string{`{"a": 1}`}},
		{"text marshaler", color(3), []string{"red"}},
		{"text marshalers", []color{1, 2}, []string{"red", "red"}},
		{"text marshaler by value", netip.MustParseAddr("10.0.0.1"), []string{"10.0.0.1"}},
		{"text marshaler by pointer", big.NewInt(42), []string{"42"}},
		{"value whose pointer marshals", *big.NewInt(5), []string{"5"}},
		{"values whose pointers marshal", []big.Int{*big.NewInt(5), *big.NewInt(6)}, []string{"5", "6"}},
		{"struct whose pointer marshals", money{7}, []string{"7"}},
		{"zero time", time.Time{}, nil},
		{"pointer to the zero time", &time.Time{}, nil},
		{"NULL", sql.NullString{String: "x"}, nil},
		{"what may be NULL", sql.NullString{String: "x", Valid: true}, []string{"x"}},
		{"time that may be NULL", &sql.NullTime{Time: at, Valid: true}, []string{"1400568648"}},
		{"some that may be NULL", []sql.NullInt64{{Int64: 1, Valid: true}, {}, {Int64: 3, Valid: true}}, []string{"1", "3"}},
		{"URL", url.URL{Scheme: "https", Host: "a.example", Path: "/b"}, []string{"https://a.example/b"}},
		{"pointer to URL", &url.URL{Path: "/b c"}, []string{"/b%20c"}},
		{"IP", net.IPv4(10, 0, 0, 1), []string{"10.0.0.1"}},
		{"IPs", []net.IP{net.IPv4(10, 0, 0, 1), net.IPv6loopback}, []string{"10.0.0.1", "::1"}},
		{"JSON marshaler", &money{5}, []string{"5"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := url.Values{}
			if err := (Params{"p": row.value}).addTo(got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got["p"], row.want) || got.Has("p") != (row.want != nil) {
				t.Errorf("got %q, want %q", got["p"], row.want)
			}
		})
	}
	for name, value := range map[string]any{
		"channel": make(chan int), "function": func() {}, "complex": 1i, "NaN": math.NaN(), "infinite": math.Inf(1),
		"duration": time.Second, "channel in a slice": []any{1, make(chan int)}, "function in a map": map[string]any{"f": func() {}},
		"broken marshaler": broken{}, "pointer to itself": itself,
		"error": errors.New("e"), "wrapped error": fmt.Errorf("%w", errors.New("e")), "error type": &ParamError{}, "error in a slice": []any{1, errors.New("e")},
		"no exported field": struct{ a int }{1}, "pointer to no exported field": &struct{ a int }{1},
		"function in a slice": []any{func() {}},
	} {
		t.Run(name, func(t *testing.T) {
			err := Params{"p": value}.addTo(url.Values{})
			var wrong *ParamError
			if !errors.As(err, &wrong) || wrong.Name != "p" {
				t.Errorf("got %v, want a ParamError for p", err)
			}
		})
	}
}

func TestReservedParamsAreRefused(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1")
	for _, name := range []string{"client_id", "client_secret", "sign", "sign_method", "sign_time", ""} {
		for where, call := range map[string]Call{
			"params": {Path: "x", Params: Params{name: "1"}},
			"form":   {Method: "POST", Path: "x", Params: Params{name: "1"}},
			"path":   {Method: "POST", Path: "x?" + name + "=1"},
		} {
			_, err := c.Do(background, call)
			var wrong *ParamError
			if !errors.As(err, &wrong) || wrong.Name != name {
				t.Errorf("%q in the %s: got %v, want a ParamError", name, where, err)
			}
		}
	}
}

// What a server reads from the encoded form is what was put in, and the order
// of a map has no say in it.
func FuzzEncodedPairsAreReadBack(f *testing.F) {
	f.Add("a", "b c", "ü", "&=+%")
	f.Add("", "", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, a, x, b, y string) {
		values := url.Values{a: {x, y}}
		values[b] = append(values[b], y)
		encoded := string(appendPairs(nil, values))
		got, err := url.ParseQuery(encoded)
		if err != nil || !reflect.DeepEqual(got, values) {
			t.Errorf("%q becomes %q and is read back as %q (%v)", values, encoded, got, err)
		}
		if again := string(appendPairs(nil, got)); again != encoded {
			t.Errorf("%q, then %q", encoded, again)
		}
	})
}

func BenchmarkAppendPairs(b *testing.B) {
	for name, values := range map[string]url.Values{
		"ASCII":   {"routing_key": {"order.created"}, "content_type": {"application/json"}, "data": {`{"id": 17, "total": "12.50"}`}},
		"Chinese": {"title": {"龙井茶 二百五十克 礼盒装"}, "shop": {"杭州西湖店"}},
	} {
		b.Run(name, func(b *testing.B) {
			var buffer [512]byte
			b.ReportAllocs()
			for b.Loop() {
				appendPairs(buffer[:0], values)
			}
		})
	}
}
