package calls

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func ids(records []*Record) string {
	var all []string
	for _, r := range records {
		all = append(all, r.ID)
	}
	return strings.Join(all, " ")
}

func TestTheLogHasTheLastCalls(t *testing.T) {
	l := NewLog(3, 1<<20)
	for i := range 5 {
		l.Add(&Record{ID: fmt.Sprint(i), Domain: "default", Status: 200 + 100*i})
	}
	newest, last := l.Newest(Filter{}, 10)
	if got := ids(newest); got != "4 3 2" || last != 5 {
		t.Errorf("the newest are %q up to %d", got, last)
	}
	if l.Find("default", "1") != nil || l.Find("mars", "3") != nil || l.Find("default", "3") == nil {
		t.Error("the record of a call is found after it is gone, or in another domain, or not at all")
	}
	l.Add(&Record{ID: "5", Domain: "mars"})
	l.Add(&Record{ID: "6", Domain: "default"})
	after, last := l.After(last, Filter{Domain: "default"}, 10)
	if got := ids(after); got != "6" || last != 7 {
		t.Errorf("behind the fifth are %q up to %d", got, last)
	}
	if late, _ := l.After(1, Filter{}, 2); ids(late) != "4 5" {
		t.Errorf("behind one that is gone are %q", ids(late))
	}
}

func TestAFilterTakesWhatAgreesWithAllOfIt(t *testing.T) {
	r := &Record{ID: "one", Domain: "d", App: "a", Key: "k", Service: "s", API: "i", Status: 404, At: noon}
	for _, f := range []Filter{{}, {Domain: "d"}, {App: "a", Key: "k"}, {Service: "s", API: "i", Failed: true}, {Since: noon}} {
		if !f.takes(r) {
			t.Errorf("%+v does not take it", f)
		}
	}
	for _, f := range []Filter{{Domain: "x"}, {App: "x"}, {Key: "x"}, {Service: "x"}, {API: "x"}, {Since: noon.Add(time.Second)}} {
		if f.takes(r) {
			t.Errorf("%+v takes it", f)
		}
	}
	r.Status = 200
	if f := (Filter{Failed: true}); f.takes(r) {
		t.Error("a call that was served is taken for a failed one")
	}
}

func TestTheLogTakesNoMoreThanItsBytes(t *testing.T) {
	const bytes = 256 << 10
	l := NewLog(1000, bytes)
	for i := range 1000 {
		r := &Record{ID: fmt.Sprint(i), Caller: Side{Header: http.Header{}}}
		r.Caller.Body = make([]byte, i%8<<10)
		if i%100 == 0 {
			r.Caller.Header.Set("Large", strings.Repeat("x", 1<<20))
			r.Backend.URL = strings.Repeat("y", 1<<20)
		}
		l.Add(r)
		if used := l.rings[0].used; used > bytes {
			t.Fatalf("after %d records %d bytes are used, of %d", i, used, bytes)
		}
	}
	all, _ := l.Newest(Filter{}, 1000)
	if len(all) < 20 {
		t.Errorf("only %d records are kept", len(all))
	}
}

func TestALogOfNoneKeepsNothing(t *testing.T) {
	l := NewLog(-1, 1<<20)
	l.Add(&Record{ID: "one"})
	if newest, _ := l.Newest(Filter{}, 10); len(newest) > 0 {
		t.Errorf("kept %v", ids(newest))
	}
}

func TestStrangersPushNoOthersOut(t *testing.T) {
	l := NewLog(8, 1<<20)
	l.Add(&Record{ID: "own"})
	for i := range 100 {
		l.Add(&Record{ID: fmt.Sprint(i), Unproved: true})
	}
	l.Add(&Record{ID: "late"})
	newest, last := l.Newest(Filter{}, 10)
	if got := ids(newest); got != "late 99 98 own" || last != 102 {
		t.Errorf("kept %q up to %d", got, last)
	}
	if after, next := l.After(1, Filter{}, 2); ids(after) != "98 99" || next != 101 {
		t.Errorf("behind the first are %q up to %d", ids(after), next)
	}
	if before, _ := l.Newest(Filter{Before: newest[1].Number}, 10); ids(before) != "98 own" {
		t.Errorf("before %d are %q", newest[1].Number, ids(before))
	}
}

func TestWhatIsMaskedOfARequestIsNamed(t *testing.T) {
	l := NewLog(1, 1<<20)
	l.Add(&Record{ID: "one", Secrets: []string{"canary-value"}, Caller: Side{
		URL:    "/x?a=1&sign=AB&b=canary-value",
		Header: http.Header{"Cookie": {"s=1"}, "Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"*/*"}},
		Body:   []byte("pass%57ord=x&c=2"),
	}})
	r := l.Find("", "one")
	if got := strings.Join(r.Masked, ", "); got != "header Cookie, query b, query sign, form passWord" {
		t.Errorf("masked %q", got)
	}
}

func TestATextIsFoundInWhatAListShows(t *testing.T) {
	r := &Record{ID: "ABC", API: "orders.list", Code: "invalid_sign", Caller: Side{URL: "/api/%E8%AE%A2?token=canary"}}
	for text, want := range map[string]bool{"abc": true, "ORDERS": true, "invalid": true, "订": true, "canary": false, "nothing": false} {
		if f := (Filter{Text: text}); f.takes(r) != want {
			t.Errorf("%q is found: %v", text, !want)
		}
	}
}
