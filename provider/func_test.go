package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/provider"
	"github.com/shopex/prism-go/provider/providertest"
)

type page struct {
	Page int `param:"page"`
}

type everything struct {
	page
	TID     string          `param:"tid"`
	Word    string          `json:"word,omitempty"`
	Yes     bool            `param:"yes"`
	Small   int8            `param:"small"`
	Count   uint            `param:"count"`
	Price   float64         `param:"price"`
	Perhaps *int            `param:"perhaps"`
	IDs     []int           `param:"ids"`
	Names   []string        `param:"names"`
	At      time.Time       `param:"at"`
	Addr    netip.Addr      `param:"addr"`
	Items   []item          `param:"items"`
	Map     map[string]any  `param:"map"`
	Raw     json.RawMessage `param:"raw"`
	Any     any             `param:"any"`
	Not     string          `param:"-"`
}

type item struct {
	BN  string `json:"bn"`
	Num int    `json:"num"`
}

// decoded returns what a function gets of a request, and the answer.
func decoded[In any](t *testing.T, pattern string, c providertest.Call) (in In, status int, body string) {
	t.Helper()
	p, _ := newProvider(t, provider.Config{})
	p.Handle(pattern, provider.Func(func(_ context.Context, got In) (string, error) {
		in = got
		return "done", nil
	}))
	c.Secret = secret
	status, body = answer(p, providertest.Request(c))
	return in, status, body
}

func TestParametersAreDecodedWhereverTheyAre(t *testing.T) {
	seven := 7
	want := everything{
		page: page{3}, TID: "a/b", Word: "订单", Yes: true, Small: -128, Count: 9, Price: 9.5, Perhaps: &seven,
		IDs: []int{1, 2}, Names: []string{"x", ""}, At: time.Date(2013, 6, 1, 0, 0, 0, 0, time.Local),
		Addr: netip.MustParseAddr("::1"), Items: []item{{"A1", 2}}, Map: map[string]any{"a": true}, Raw: json.RawMessage("[1]"), Any: "s",
	}
	params := url.Values{
		"page": {"3"}, "word": {"订单"}, "yes": {"0", "1"}, "small": {"-128"}, "count": {" 9 "}, "price": {"9.50"}, "perhaps": {"7"},
		"ids[]": {"1", "2"}, "names": {"x", ""}, "at": {"2013-06-01"}, "addr": {"::1"}, "items": {`[{"bn":"A1","num":2}]`},
		"map": {`{"a":true}`}, "raw": {"[1]"}, "any": {`"s"`}, "Not": {"no"}, "-": {"no"}, "other": {"no"},
	}
	calls := map[string]providertest.Call{
		"query": {Target: "/x/a%2Fb?" + params.Encode()},
		"form":  {Target: "/x/a%2Fb?tid=no&word=no", Form: params},
		"JSON": {Target: "/x/a%2Fb?word=no", Body: `{"page":"3","word":"订单","yes":true,"small":-128,"count":9,"price":"9.5","perhaps":7,
			"ids":[1,"2"],"names":["x",""],"at":"2013-06-01","addr":"::1","items":"[{\"bn\":\"A1\",\"num\":2}]","map":{"a":true},"raw":[1],"any":"s","tid":"no"}`},
	}
	var b strings.Builder
	form := multipart.NewWriter(&b)
	for name, values := range params {
		for _, value := range values {
			form.WriteField(name, value)
		}
	}
	form.Close()
	calls["multipart"] = providertest.Call{Target: "/x/a%2Fb", Body: b.String(), ContentType: form.FormDataContentType()}
	for name, c := range calls {
		t.Run(name, func(t *testing.T) {
			got, status, body := decoded[everything](t, "x/{tid}", c)
			if status != 200 || !reflect.DeepEqual(got, want) {
				t.Errorf("%d %s\n got %+v\nwant %+v", status, body, got, want)
			}
		})
	}
}

func TestAWrongParameterIsNamed(t *testing.T) {
	type in struct {
		everything
		Must  string `param:"must,required"`
		Whole int    `param:"whole,required"`
	}
	for target, want := range map[string]string{
		"":                                "the parameter must is missing",
		"must=":                           "the parameter whole is missing",
		"must=&whole=":                    "the parameter whole is missing",
		"must=a&whole=1.5":                "the parameter whole is wrong: want a whole number of 64 bits",
		"must=a&whole=1&small=128":        "the parameter small is wrong: want a whole number of 8 bits",
		"must=a&whole=1&count=-1":         "the parameter count is wrong: want a whole number of 64 bits, not below 0",
		"must=a&whole=1&price=inf":        "the parameter price is wrong: want a number",
		"must=a&whole=1&yes=perhaps":      "the parameter yes is wrong: want true or false",
		"must=a&whole=1&at=yesterday":     "the parameter at is wrong: want a time, such as 2006-01-02 15:04:05",
		"must=a&whole=1&addr=x":           "the parameter addr is wrong: want another text",
		"must=a&whole=1&ids=1&ids=a":      "the parameter ids is wrong: want a whole number of 64 bits",
		"must=a&whole=1&items=%7B%7D":     "the parameter items is wrong: want JSON that fits the type of the parameter",
		"must=a&whole=1&perhaps=password": "the parameter perhaps is wrong: want a whole number of 64 bits",
	} {
		_, status, body := decoded[in](t, "x", providertest.Call{Target: "/x?" + target})
		if status != 400 || !strings.Contains(body, `"code":-32602,"message":"Invalid params","data":"`+want+`"`) {
			t.Errorf("%s: %d %s", target, status, body)
		}
	}
}

func TestABodyThatIsNoJSONIsAParseError(t *testing.T) {
	for body, code := range map[string]string{`{"a":`: "-32700", `{"page":1} x`: "-32700", `[1]`: "-32602", `"a"`: "-32602"} {
		if _, status, got := decoded[page](t, "x", providertest.Call{Target: "/x", Body: body}); status != 400 || !strings.Contains(got, code) {
			t.Errorf("%s: %d %s", body, status, got)
		}
	}
	if _, status, got := decoded[page](t, "x", providertest.Call{Target: "/x", Body: " "}); status != 200 {
		t.Errorf("an empty body: %d %s", status, got)
	}
	if _, status, got := decoded[page](t, "x", providertest.Call{Target: "/x", Body: "--", ContentType: "multipart/form-data; boundary=B"}); status != 400 {
		t.Errorf("a broken multipart body: %d %s", status, got)
	}
}

func TestFilesReachTheFunction(t *testing.T) {
	var b strings.Builder
	form := multipart.NewWriter(&b)
	w, _ := form.CreateFormFile("picture", "a.png")
	io.WriteString(w, "PNG")
	form.Close()
	type in struct {
		Picture *multipart.FileHeader   `param:"picture,required"`
		All     []*multipart.FileHeader `param:"all"`
	}
	p, _ := newProvider(t, provider.Config{})
	p.Handle("x", provider.Func(func(_ context.Context, in in) (string, error) {
		f, err := in.Picture.Open()
		if err != nil {
			return "", err
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		return in.Picture.Filename + " " + string(text), err
	}))
	c := providertest.Call{Secret: secret, Target: "/x", Body: b.String(), ContentType: form.FormDataContentType()}
	if status, body := answer(p, providertest.Request(c)); status != 200 || !strings.Contains(body, `"a.png PNG"`) {
		t.Errorf("%d %s", status, body)
	}
	c.Body = ""
	if status, body := answer(p, providertest.Request(c)); status != 400 || !strings.Contains(body, "the file picture is missing") {
		t.Errorf("without it: %d %s", status, body)
	}
}

func TestFuncRefusesWhatItCannotDecode(t *testing.T) {
	for want, make := range map[string]func(){
		"not int":                   func() { provider.Func(func(context.Context, int) (int, error) { return 0, nil }) },
		"which no parameter can be": func() { provider.Func(func(context.Context, struct{ C chan int }) (int, error) { return 0, nil }) },
		"are the parameter": func() {
			provider.Func(func(context.Context, struct {
				A int
				B int `param:"A"`
			}) (int, error) {
				return 0, nil
			})
		},
		"want required": func() {
			provider.Func(func(context.Context, struct {
				A int `param:"a,optional"`
			}) (int, error) {
				return 0, nil
			})
		},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), want) {
					t.Errorf("panics with %v", v)
				}
			}()
			make()
		})
	}
}

// Whatever comes, decoding ends with a value or with an error that says Invalid params, and
// decoding what was decoded gives the same.
func FuzzParametersAreDecodedOrRefused(f *testing.F) {
	f.Add("small=1&ids=1&ids=2&at=1&items=%5B%5D", "", "")
	f.Add("", "application/json", `{"small":"1","ids":["1",null],"at":null,"perhaps":1e2,"map":"{}"}`)
	f.Add("", "multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"ids[]\"\r\n\r\n1\r\n--B--\r\n")
	f.Fuzz(func(t *testing.T, query, kind, body string) {
		p, _ := provider.New(provider.Config{Unsigned: true, Logger: slog.New(slog.DiscardHandler)})
		var got *everything
		p.Handle("/", provider.Func(func(_ context.Context, in everything) (bool, error) {
			got = &in
			return true, nil
		}))
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", kind)
		status, text := answer(p, r)
		if (status == 200) != (got != nil) || status != 200 && status != 400 {
			t.Fatalf("%d %s", status, text)
		}
		if got == nil || got.Raw != nil || got.Any != nil || got.Map != nil || got.Items != nil {
			return
		}
		first := *got
		again := url.Values{"small": {fmt.Sprint(first.Small)}, "count": {fmt.Sprint(first.Count)}, "yes": {fmt.Sprint(first.Yes)}, "word": {first.Word}}
		r = httptest.NewRequest("POST", "/", nil)
		r.URL.RawQuery = again.Encode()
		if status, text := answer(p, r); status != 200 || got.Small != first.Small || got.Count != first.Count || got.Yes != first.Yes || got.Word != first.Word {
			t.Errorf("%d %s: %+v, want %+v", status, text, got, first)
		}
	})
}

var _ http.Handler = (*provider.Provider)(nil)
