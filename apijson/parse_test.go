package apijson

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var good = []string{
	"path-mode.json", "param-mode-ecos.json", "shopex-ac.json", "sandbox-and-oauth.json",
	"php-sdk-first.json", "odd-spellings.json", "empty-apis-null.json",
}

func TestEverySampleIsReadAndWrittenBackEqual(t *testing.T) {
	for _, name := range good {
		s, err := Parse(sample(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := Parse(s.Format())
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("%s: written and read again it is\n%+v\nand was\n%+v\n(%v)", name, again, s, err)
		}
		if string(again.Format()) != string(s.Format()) {
			t.Errorf("%s: the second writing differs from the first", name)
		}
	}
}

func TestEachMemberHasItsMeaning(t *testing.T) {
	s, err := Parse(sample(t, "path-mode.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Service{
		URL: "http://orders.example.test/api/dispatch.php", Prefix: "b2b", Summary: "分销系统", Mode: Path,
		ConfigValues: []ConfigValue{{Name: "client_secret", Description: "与 Prism 约定的密钥", Secret: true}},
		GlobalParams: []GlobalParam{
			{Name: "sign_time", ValueType: Time, Format: "timestamp", Place: Query},
			{Name: "sign", ValueType: Sign, Format: "prism", Place: Query},
		},
		APIs: []API{
			{
				ID: "search_order_lists", Path: "orders", Methods: []string{"GET", "POST"}, Summary: "查询订单列表", Notes: "按修改时间 **升序**",
				Timeout: 10 * time.Second, Limit: Limit{100, time.Minute},
				Params: []Parameter{
					{Name: "start_time", Description: "开始时间", Required: true, Type: "date", ParamType: "param"},
					{Name: "end_time", Description: "结束时间", Type: "date", ParamType: "param"},
				},
				Response:   `{"total":0,"orders":[]}`,
				Exceptions: []Exception{{Status: 400, Code: "40001", Message: "时间格式不对"}},
			},
			{
				ID: "get_order", Path: "orders/{tid}", Methods: []string{"GET"}, Summary: "订单详情", RequireOAuth: true,
				Params: []Parameter{{Name: "fields", Description: "字段", Type: "field_list", ParamType: "param"}},
			},
		},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("it is\n%+v\nwant\n%+v", s, want)
	}
}

func TestEverySpellingIsRead(t *testing.T) {
	s, err := Parse(sample(t, "odd-spellings.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Service{
		URL: "http://odd.example.test/", Prefix: "odd", Mode: Param, ParamName: "method", NotifyPublish: "orders.*",
		ConfigValues: []ConfigValue{
			{Name: "a", Description: "one", Default: "1", Secret: true},
			{Name: "b", Description: "two", Default: "2"},
			{Name: "c", Description: "three", Default: "3"},
		},
		GlobalParams: []GlobalParam{
			{Name: "sign", ValueType: Sign, Format: "ecos", Place: Request},
			{Name: "ac", ValueType: Sign, Format: "shopex", Place: Query},
		},
		APIs: []API{{
			ID: "m", Methods: []string{"POST"}, RequireOAuth: true, Limit: Limit{100, time.Minute},
			Exceptions: []Exception{{Status: 400, Code: "E1", Message: "bad"}},
			Unknown:    map[string]json.RawMessage{"x-unknown": json.RawMessage(`{"kept":true}`)},
		}},
		Unknown: map[string]json.RawMessage{"x-owner": json.RawMessage(`"team-a"`)},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("it is\n%+v\nwant\n%+v", s, want)
	}
}

// in is an api.json with one line of its own.
func in(line string) string {
	return "{\"url\": \"http://a.test/\", \"prefix\": \"a\",\n" + line + "}"
}

func TestWhatMeansTheSameIsEqual(t *testing.T) {
	for _, group := range [][]string{
		{`"apis": {}`, `"apis": null`, `"apis": []`, `"APIs": ""`, `"models": null`, `"models": []`, `"Models": {}`, `"config_values": {}`, `"ConfigValues": null`, `"mode": ""`, `"mode": "PATH"`, `"mode": null`},
		{`"mode": "param"`, `"mode": "params"`, `"Mode": "Param", "param_name": ""`, `"mode": "PARAMS", "ParamName": "method"`},
		{
			`"apis": {"m": {"method": ["GET"]}}`, `"apis": {"m": {"method": "get"}}`, `"apis": {"m": {"Method": ["get", "GET"], "params": null}}`,
			`"apis": {"m": {"method": ["GET", ""], "params": {}, "require_oauth": "", "backend_timeout_second": "", "limtt_count": "", "exception": null}}`,
			`"apis": {"m": {"method": ["GET"], "RequireOAuth": "0", "BackendTimeoutSecond": "0", "limit_count": 0, "limit_seconds": 60}}`,
			`"apis": {"m": {"method": ["GET"], "require_oauth": 0, "path": "/", "notes": null}}`,
		},
		{`"apis": {"m": {"require_oauth": true, "backend_timeout_second": 1.5}}`, `"apis": {"m": {"REQUIRE_OAUTH": "1", "backend_timeout_second": "1.5"}}`, `"apis": {"m": {"requireoauth": 1, "backend_timeout_second": 15e-1}}`, `"apis": {"m": {"require_oauth": "True", "backend_timeout_second": " 1.5 "}}`},
		{`"apis": {"m": {"limit_count": 2, "limit_seconds": 60}}`, `"apis": {"m": {"limtt_count": "2", "limit_seconds": "60"}}`, `"apis": {"m": {"LimitCount": 2, "limtt_count": 2, "LimitSeconds": 60}}`},
		{`"apis": {"m": null}`, `"apis": {"m": []}`, `"apis": {"m": {}}`},
		{`"notify_pubish": "a"`, `"notify_publish": "a"`, `"NotifyPublish": "a", "notify_pubish": "a"`},
		{`"resource_content_types": null`, `"resource_content_types": ""`, ``[:0] + `"summary": ""`},
		{`"global_params": [{"name": "a", "value_type": "expr", "format": "3.2"}]`, `"global_params": [{"name": "a", "ValueType": "EXPR", "format": 3.2, "paramtype": "request"}]`, `"GlobalParams": [{"name": "a", "valuetype": "Expr", "format": "3.2", "param_type": ""}]`},
	} {
		first, err := Parse([]byte(in(group[0])))
		if err != nil {
			t.Errorf("%s: %v", group[0], err)
			continue
		}
		for _, other := range group[1:] {
			if s, err := Parse([]byte("\ufeff" + in(other))); err != nil || !reflect.DeepEqual(s, first) {
				t.Errorf("%s is\n%+v\nand not as %s\n%+v\n(%v)", other, s, group[0], first, err)
			}
		}
	}
}

func TestUnknownMembersAreKeptAtEachLevel(t *testing.T) {
	text := in(`"x-a": [1, {"b": "<&>"}],
		"config_values": [{"name": "c", "x-b": 1.50}],
		"global_params": [{"name": "g", "value_type": "expr", "format": "", "x-c": null}],
		"apis": {"m": {"x-d": "\u00e9", "params": [{"name": "p", "x-e": true}], "exception": [{"code": 1, "x-f": {}}]}}`)
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	written := string(s.Format())
	for _, kept := range []string{`"x-a": [1,{"b":"<&>"}]`, `"x-b": 1.50`, `"x-c": null`, `"x-d": "\u00e9"`, `"x-e": true`, `"x-f": {}`} {
		if !strings.Contains(written, kept) {
			t.Errorf("%s is not in\n%s", kept, written)
		}
	}
	if again, err := Parse([]byte(written)); err != nil || !reflect.DeepEqual(s, again) {
		t.Errorf("read again it is %+v, %v", again, err)
	}
}

func TestTheOrderOfTheAPIsIsThatOfTheFile(t *testing.T) {
	s, err := Parse([]byte(in(`"apis": {"z": {}, "a": {}, "m": {}, "b": {}}`)))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(s.Format())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"z", "a", "m", "b"} {
		if s.APIs[i].ID != want || again.APIs[i].ID != want {
			t.Errorf("number %d is %s, and %s when it is read again, want %s", i, s.APIs[i].ID, again.APIs[i].ID, want)
		}
	}
}

func TestABrokenFileGetsALineForEachFault(t *testing.T) {
	_, err := Parse(sample(t, "broken.json"))
	want := `line 1, column 127: GET same has the API "a" already (line 1): write another path or method
line 1, column 164: the path "../up" has a dot segment (. or ..): write the plain path
line 1, column 202: the path "{id" has a brace that is not closed: write {name}
line 1, column 218: the HTTP method "fetch" is unknown: write one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS
line 1, column 290: the signature format "rot13" is unknown: write prism, ecos or shopex`
	if err == nil || err.Error() != want {
		t.Errorf("the faults are\n%v\nwant\n%s", err, want)
	}
}

func TestEachFaultHasItsPlaceAndSaysWhatToWrite(t *testing.T) {
	for _, c := range []struct {
		line   string // the second of the file
		column int
		want   string
	}{
		{`"prefix": "b"`, 1, `"prefix" is here twice, the first time as "prefix" in line 1: remove one of them`},
		{`"Prefix": "b"`, 1, `"Prefix" is here twice`},
		{`"x": 1, "x": 1`, 9, `"x" is here twice`},
		{`"notify_publish": "a", "notify_pubish": "b"`, 24, `the first time as "notify_publish" in line 2`},
		{`"apis": {"m": {}, "m": {}}`, 19, `the API "m" is here twice`},
		{`"apis": [{"m": {}}]`, 9, `apis is an array: write an object`},
		{`"apis": {"m": "x"}`, 15, `the API m is text: write an object`},
		{`"apis": {"": {}}`, 10, `an empty method ID`},
		{`"apis": {"*": {}}`, 10, `stands for all APIs`},
		{`"apis": {"a\u0000": {"path": "a"}}`, 10, `cannot be printed`},
		{`"summary": ["a"]`, 12, `summary is an array: write text in quotation marks`},
		{`"订单": 0, "summary": {}`, 21, `summary is an object: write text`},
		{`"mode": "paths"`, 9, `mode is "paths": write path or param`},
		{`"mode": "param", "param_name": "sign"`, 32, `which the platform takes for itself`},
		{`"sandbox_url": "a.test"`, 16, `sandbox_url is no URL of HTTP: write one such as https://`},
		{`"sandbox_url": "ftp://a.test"`, 16, `no URL of HTTP`},
		{`"sandbox_url": "http://"`, 16, `no URL of HTTP`},
		{`"sandbox_url": "http://a b/"`, 16, `sandbox_url is no URL:`},
		{`"sandbox_url": "http://u:p@a.test/"`, 16, `has a user or a password`},
		{`"sandbox_url": "http://a.test/#x"`, 16, `has a fragment`},
		{`"sandbox_url": "http://a.test/x/%2e%2E/"`, 16, `has a dot segment`},
		{`"config_values": {"a": 1}`, 18, `config_values is an object: write an array`},
		{`"config_values": ["a"]`, 19, `an item of config_values is text`},
		{`"config_values": [{"desc": "a"}]`, 19, `a config value has no name`},
		{`"config_values": [{"name": ""}]`, 28, `the name of a config value is empty`},
		{`"config_values": [{"name": "a"}, {"name": "a"}]`, 43, `the name of a config value is "a", as in line 2`},
		{`"config_values": [{"name": "a", "issecret": "yes"}]`, 45, `issecret is "yes": write true or false`},
		{`"global_params": [{"name": "a", "value_type": "expr"}, {"name": "a", "value_type": "expr"}]`, 65, `is "a", as in line 2`},
		{`"global_params": [{"name": "a"}]`, 19, `no value_type`},
		{`"global_params": [{"name": "a", "value_type": "cookie"}]`, 47, `value_type is "cookie": write expr, datetime, sign or config`},
		{`"global_params": [{"name": "a", "value_type": "expr", "param_type": "header"}]`, 69, `param_type is "header": write REQUEST, GET or NONE`},
		{`"global_params": [{"name": "a", "value_type": "sign"}]`, 19, `the signature format "" is unknown`},
		{`"global_params": [{"name": "a", "value_type": "datetime"}]`, 19, `a time has no format`},
		{`"global_params": [{"name": "a", "value_type": "config"}]`, 19, `format is empty`},
		{`"apis": {"m": {"method": {"get": 1}}}`, 26, `method is an object: write an array`},
		{`"apis": {"m": {"method": "CONNECT"}}`, 26, `the HTTP method "CONNECT" is unknown`},
		{`"apis": {"m": {"require_oauth": "maybe"}}`, 33, `require_oauth is "maybe": write true or false`},
		{`"apis": {"m": {"backend_timeout_second": -1}}`, 42, `backend_timeout_second is negative`},
		{`"apis": {"m": {"backend_timeout_second": 1e9}}`, 42, `may be 86400`},
		{`"apis": {"m": {"backend_timeout_second": "ten"}}`, 42, `backend_timeout_second is "ten": write a number`},
		{`"apis": {"m": {"backend_timeout_second": [1]}}`, 42, `is an array: write a number`},
		{`"apis": {"m": {"limit_count": 5}}`, 31, `limit_count is there without limit_seconds`},
		{`"apis": {"m": {"limit_count": -5, "limit_seconds": 1}}`, 31, `limit_count is negative`},
		{`"apis": {"m": {"limit_count": 5, "limit_seconds": 0.5}}`, 51, `write a whole number`},
		{`"apis": {"m": {"params": [{"desc": "a"}]}}`, 27, `a parameter has no name`},
		{`"apis": {"m": {"params": [{"name": ["a"]}]}}`, 36, `the name of a parameter is an array`},
		{`"apis": {"m": {"params": [{"name": " a"}]}}`, 36, `white space`},
		{`"apis": {"m": {"exception": [{"http_code": "4xx"}]}}`, 44, `http_code is "4xx": write a number`},
		{`"apis": {"a/..": {}}`, 10, `the path "a/.." is the method ID, as the API has no path, and has a dot segment`},
		{`"apis": {"m": {"path": "a?b=c"}}`, 24, `has ?: leave out what is behind it`},
		{`"apis": {"m": {"path": "a#b"}}`, 24, `has #`},
		{`"apis": {"m": {"path": "a b"}}`, 24, `write it as %XX`},
		{`"apis": {"m": {"path": "a%zz"}}`, 24, `write % as %25`},
		{`"apis": {"m": {"path": "a/./b"}}`, 24, `dot segment`},
		{`"apis": {"m": {"path": "a/%2e%2e/b"}}`, 24, `dot segment`},
		{`"apis": {"m": {"path": "a//b"}}`, 24, `empty element`},
		{`"apis": {"m": {"path": "a/id}"}}`, 24, `a brace that is not opened`},
		{`"apis": {"m": {"path": "a/x{id}"}}`, 24, `write {name} as a whole element`},
		{`"apis": {"m": {"path": "{a}{b}"}}`, 24, `write {name} as a whole element`},
		{`"apis": {"m": {"path": "{}"}}`, 24, `{} without a name`},
		{`"apis": {"m": {"path": "{a}/b/{a}"}}`, 24, `has {a} twice`},
		{`"apis": {"m": {"path": "{a}"}, "n": {"path": "{b}"}}`, 46, `GET {b} has the API "m" already (line 2)`},
		{`"apis": {"m": {"path": "a", "method": ["put"]}, "n": {"path": "/a"}}`, 63, `PUT a has the API "m" already`},
		{`"apis": {"m": {"path": "a%2Db"}, "n": {"path": "a-b"}}`, 48, `has the API "m" already`},
		{`"apis": {"m": {}, "n": {"path": "m"}}`, 33, `has the API "m" already`},
		{`"apis": {"m": {"a": ` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}}`, 118, `nest deeper than 100`},
	} {
		_, err := Parse([]byte(in(c.line)))
		faults, ok := err.(Faults)
		if !ok || len(faults) != 1 {
			t.Errorf("%s has these faults:\n%v", c.line, err)
			continue
		}
		if f := faults[0]; f.Line != 2 || f.Column != c.column || !strings.Contains(f.Text, c.want) {
			t.Errorf("%s has %v, want it in line 2, column %d: %s", c.line, f, c.column, c.want)
		}
	}
}

func TestAFileThatIsNoJSONSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "line 1, column 1: the file is empty",
		" \n":                         "line 1, column 1: the file is empty",
		"<html>":                      "line 1, column 1: this is a web page",
		"#apilist\na.json":            "line 1, column 1: this is a list of files",
		"[]":                          "line 1, column 1: the file is an array: write an object",
		"null":                        "line 1, column 1: the file is null",
		"{}":                          "line 1, column 1: prefix is missing",
		"{\n  \"prefix\": \"订单\",\n}": "line 2, column 17: there is a comma too much in front of }",
		"{\"a\": [1,\n2,]}":           "line 2, column 2: there is a comma too much in front of ]",
		"{\"a\": 1":                   "line 1, column 8: the file ends too early",
		"{\n\"a\": \"订\" x}":          "line 2, column 10: this is no JSON: invalid character 'x'",
		"{\"a\": 1} {}":               "line 1, column 10: this is no JSON",
		"{\"a\": \"\xb6\xa9\"}":       "line 1, column 8: this is no UTF-8",
		strings.Repeat("[", 20_000):   "this is no JSON",
		strings.Repeat(" ", 5<<20):    "may have, which is 4194304",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

func TestAPrefixIsPartOfAPath(t *testing.T) {
	for text, want := range map[string]string{
		"a": "a", "/a/": "a", "pay/v1": "pay/v1", "a-b_c.d~1": "a-b_c.d~1",
		"": "!prefix is empty", "/": "!write a name", "a b": "!has ' '", "a//b": "!empty element", "../a": "!dot segment", ".": "!dot segment",
		"订单": "!has '订'", "a?b": "!has '?'", "platform/x": "!the platform's own", "platform": "!the platform's own", "a%20b": "!has '%'", "{a}": "!has '{'",
	} {
		s, err := Parse([]byte(`{"url": "http://a.test", "prefix": "` + text + `"}`))
		fault, wrong := strings.CutPrefix(want, "!")
		if wrong && (err == nil || !strings.Contains(err.Error(), fault)) || !wrong && (err != nil || s.Prefix != want) {
			t.Errorf("%q: %+v, %v, want %s", text, s, err, want)
		}
	}
}

func TestNeverMoreThanSoManyFaultsAndAPIs(t *testing.T) {
	var apis strings.Builder
	for i := range 11_000 {
		fmt.Fprintf(&apis, `"m%d": {"path": "a/{"},`, i)
	}
	_, err := Parse([]byte(in(`"apis": {` + strings.TrimSuffix(apis.String(), ",") + `}`)))
	if faults, ok := err.(Faults); !ok || len(faults) != mostFaults || !strings.HasSuffix(faults[mostFaults-1].Text, "(further faults are not shown)") {
		t.Errorf("%d faults", len(faults))
	}
	_, err = Parse([]byte(in(`"apis": {` + strings.TrimSuffix(strings.ReplaceAll(apis.String(), `"a/{"`, `""`), ",") + `}`)))
	if err == nil || !strings.Contains(err.Error(), "more than 10000 APIs") {
		t.Errorf("11,000 APIs: %.200v", err)
	}
}

func TestWhatIsReadCanBeReadAgainHoweverItGrows(t *testing.T) {
	_, err := Parse([]byte(in(`"apis": {"m": {"params": [` + strings.Repeat(`{"name":"a"},`, 60_000) + `{"name":"a"}]}}`)))
	if err == nil || !strings.Contains(err.Error(), "divide it into several") {
		t.Errorf("%.200v", err)
	}
}

func TestWhatIsOddIsWarnedOf(t *testing.T) {
	for text, want := range map[string]string{
		in(`"x": 1`):                              "",
		`{"prefix": "a"}`:                         "line 1, column 1: url is empty",
		`{"prefix": "a", "url": ""}`:              "line 1, column 24: url is empty",
		string(sample(t, "path-mode.json")):       "",
		string(sample(t, "param-mode-ecos.json")): "",
		string(sample(t, "odd-spellings.json")):   `needs the config value "token"`,
		string(sample(t, "broken.json")):          "",
		in(`"global_params": [{"name": "sign", "value_type": "sign", "format": "Prism"}]`): `line 2, column 18: sign needs the config value "client_secret"`,
		in(`"global_params": [{"name": "k", "value_type": "config", "format": "mine"}]`):   `k needs the config value "mine"`,
		in(`"apis": {"m": {"params": [{"name": "sign", "required": 1}]}}`):                 `the parameter "sign" is required`,
	} {
		got := Warnings([]byte(text)).Error()
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%.200s: warnings %q, want %q", text, got, want)
		}
	}
}

func FuzzWhatIsReadIsWrittenBackEqual(f *testing.F) {
	for _, name := range append(good, "broken.json", "api.txt") {
		f.Add(sample(f, name))
	}
	f.Add([]byte(in(`"apis": {"m": {"backend_timeout_second": 0.1, "x-\u0000": "\ud800"}}, "A": 1`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			for _, fault := range err.(Faults) {
				if fault.Line < 1 || fault.Column < 1 || fault.Text == "" {
					t.Errorf("fault %+v", fault)
				}
			}
			return
		}
		again, err := Parse(s.Format())
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("written and read again it is\n%+v\nand was\n%+v\n(%v)", again, s, err)
		}
	})
}
