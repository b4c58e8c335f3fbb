package apijson

import (
	"fmt"
	"strings"
	"testing"
)

const before = `"mode": "path", "config_values": [{"name": "token", "issecret": true, "default": "x"}],
	"global_params": [{"name": "v", "value_type": "expr", "format": "1"}, {"name": "sign", "value_type": "sign", "format": "ecos"}],
	"apis": {
		"get": {"path": "orders/{id}", "method": ["GET", "POST"], "backend_timeout_second": 10, "limit_count": 10, "limit_seconds": 60,
			"params": [{"name": "fields", "type": "string"}, {"name": "page", "type": "int", "required": true}],
			"exception": [{"http_code": 400, "code": "E1"}]},
		"old": {}}`

// changed returns what replacing a part of before changes.
func changed(t *testing.T, from, to string) (lines []string) {
	t.Helper()
	if strings.Count(in(before), from) != 1 {
		t.Fatalf("%q is not once in the file", from)
	}
	old, err := Parse([]byte(in(before)))
	if err != nil {
		t.Fatal(err)
	}
	new, err := Parse([]byte(strings.Replace(in(before), from, to, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Diff(old, new) {
		lines = append(lines, fmt.Sprintf("%v %s: %s", c.Breaking, c.API, c.Text))
	}
	return lines
}

func TestEachChangeIsFoundAndWeighed(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"", "", ""},
		{`"prefix": "a"`, `"prefix": "b"`, `true : the prefix was changed from "a" to "b"`},
		{`"http://a.test/"`, `"http://b.test/"`, `false : the backend was changed from "http://a.test/" to "http://b.test/"`},
		{`"prefix"`, `"sandbox_url": "http://s.test", "prefix"`, `false : the backend of the sandbox was added`},
		{`"prefix"`, `"summary": "goods", "prefix"`, `false : the summary was changed`},
		{`"mode": "path"`, `"mode": "param"`, `true : the mode was changed from "path" to "param"`},
		{`"issecret": true`, `"issecret": false`, `true : the config value "token" is secret no longer`},
		{`"default": "x"`, `"default": ""`, `true : the default of the config value "token" was changed`},
		{`"default": "x"`, `"default": "y"`, `false : the default of the config value "token" was changed`},
		{`"config_values": [`, `"config_values": [{"name": "n"}, `, `true : the config value "n" was added, and has no default: set it`},
		{`"config_values": [`, `"config_values": [{"name": "n", "default": "1"}, `, `false : the config value "n" was added`},
		{`{"name": "token", "issecret": true, "default": "x"}`, ``, `false : the config value "token" was removed`},
		{`"ecos"`, `"shopex"`, `true : the signature scheme of the global parameter "sign" was changed from "ecos" to "shopex"`},
		{`"format": "ecos"`, `"format": "ecos", "param_type": "GET"`, `true : the place of the global parameter "sign" was changed from "REQUEST" to "GET"`},
		{`"value_type": "expr", "format": "1"`, `"value_type": "datetime", "format": "1"`, `false : the kind of the global parameter "v" was changed from "expr" to "datetime"`},
		{`"format": "1"`, `"format": "2"`, `false : the format of the global parameter "v" was changed from "1" to "2"`},
		{`, {"name": "sign", "value_type": "sign", "format": "ecos"}`, ``, `true : the global parameter "sign" was removed`},
		{`"global_params": [`, `"global_params": [{"name": "w", "value_type": "expr"}, `, `false : the global parameter "w" was added`},
		{`"old": {}`, `"new": {}`, "true old: the API was removed\nfalse new: the API was added"},
		{`orders/{id}`, `order/{id}`, `true get: the path was changed from "orders/{id}" to "order/{id}"`},
		{`orders/{id}`, `orders/{tid}`, `false get: the names in the path were changed from "orders/{id}" to "orders/{tid}"`},
		{`["GET", "POST"]`, `["GET", "PUT"]`, "true get: the HTTP method POST was taken away\nfalse get: the HTTP method PUT was added"},
		{`"old": {}`, `"old": {"method": ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]}`, `true old: the HTTP method OPTIONS was taken away`},
		{`"old": {}`, `"old": {"require_oauth": true}`, `true old: the API needs a user now`},
		{`"limit_count": 10`, `"limit_count": 9`, `true get: the limit was changed from 10 in 1m0s to 9 in 1m0s`},
		{`"limit_seconds": 60`, `"limit_seconds": 61`, `true get: the limit was changed from 10 in 1m0s to 10 in 1m1s`},
		{`"limit_count": 10`, `"limit_count": 11`, `false get: the limit was changed from 10 in 1m0s to 11 in 1m0s`},
		{`"limit_count": 10`, `"limit_count": 0`, `false get: the limit was changed from 10 in 1m0s to none`},
		{`"old": {}`, `"old": {"limit_count": 1, "limit_seconds": 1}`, `true old: the limit was changed from none to 1 in 1s`},
		{`"backend_timeout_second": 10`, `"backend_timeout_second": 5`, `true get: the timeout was changed from 10s to 5s`},
		{`"backend_timeout_second": 10`, `"backend_timeout_second": 0`, `false get: the timeout was changed from 10s to the default`},
		{`{"name": "fields", "type": "string"}, `, ``, `true get: the parameter "fields" was removed`},
		{`"params": [`, `"params": [{"name": "n"}, `, `false get: the parameter "n" was added`},
		{`"params": [`, `"params": [{"name": "n", "required": 1}, `, `true get: the parameter "n" was added, and is required`},
		{`"type": "string"`, `"type": "string", "required": true`, `true get: the parameter "fields" became required`},
		{`"required": true`, `"required": false`, `false get: the parameter "page" is required no longer`},
		{`"type": "int"`, `"type": "string"`, `true get: the type of the parameter "page" was changed from "int" to "string"`},
		{`"type": "int"`, `"type": "int", "desc": "the page"`, `false get: the description of the parameter "page" was changed`},
		{`{"http_code": 400, "code": "E1"}`, `{"http_code": 400, "code": "E2"}`, "false get: the exception 400 E1 was removed\nfalse get: the exception 400 E2 was added"},
		{`"old": {}`, `"old": {"summary": "a", "notes": "b", "response": "c"}`, "false old: the summary was changed\nfalse old: the description was changed\nfalse old: the response was changed"},
	} {
		if c.from == "" {
			c.from, c.to = before, before
		}
		if got := strings.Join(changed(t, c.from, c.to), "\n"); got != c.want {
			t.Errorf("%s to %s:\n%s\nwant\n%s", c.from, c.to, got, c.want)
		}
	}
}

func TestAPathOfItsOwnMattersOnceAPIsAreListed(t *testing.T) {
	old := &Service{Mode: Path}
	if got := Diff(old, &Service{Mode: Path, APIs: []API{{ID: "a"}}}); len(got) != 2 || !got[0].Breaking || !strings.Contains(got[0].Text, "calls of all paths") {
		t.Errorf("%+v", got)
	}
	if got := Diff(&Service{Mode: Param, ParamName: "act"}, &Service{Mode: Param, ParamName: "method"}); len(got) != 1 || !got[0].Breaking {
		t.Errorf("%+v", got)
	}
}
