package prism

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestEnvelopes(t *testing.T) {
	whole := "(whole)"
	for _, row := range []struct {
		body          string
		failed        bool
		value         string
		code, message string
		data          string
	}{
		// The platform's.
		{body: `{"result":{"a":1},"error":null}`, value: `{"a":1}`},
		{body: " { \"error\" : null ,\n\t\"result\" : [ 1 , 2 ] } ", value: `[ 1 , 2 ]`},
		{body: `{"result":true,"error":""}`, value: `true`},
		{body: `{"result":"}\"{","error":false}`, value: `"}\"{"`},
		{body: `{"result":[],"error":[]}`, value: `[]`},
		{body: `{"result":null,"error":null}`, value: `null`},
		{body: `{"result":1,"error":null,"request_id":"r","data":5}`, value: `1`},
		{body: `{"\u0072esult":1,"error":null}`, value: `1`},
		{body: `{"result":null,"error":{"code":"invalid_sign","message":"no"}}`, failed: true, code: "invalid_sign", message: "no"},
		{body: `{"result":null,"error":{"code":404,"message":"no","data":{"x":1}}}`, failed: true, code: "404", message: "no", data: `{"x":1}`},
		{body: `{"result":null,"error":{"message":"no"},"data":7}`, failed: true, message: "no", data: `7`},
		{body: `{"result":null,"error":"invalid_sign"}`, failed: true, code: "invalid_sign"},
		{body: `{"result":null,"error":"it is late"}`, failed: true, message: "it is late"},
		{body: `{"result":{},"error":{"code":"x"},"request_id":"r"}`, failed: true, code: "x"},
		{body: `{"result":null,"error":{"code":"x"},"took":3}`, failed: true, code: "x"},
		{body: `{"result":null,"error":{"reason":"?"}}`, failed: true},
		{body: `{"result":null,"error":["a b"]}`, failed: true, message: `["a b"]`},
		{body: "{\"result\":null,\"error\":\"a\nb\"}", failed: true, message: "\"a\nb\""},
		{body: `{"\q":1,"result":null,"error":{"code":"x"}}`, failed: true, code: "x"},
		{body: `{"result":false,"error":17}`, failed: true, code: "17"},
		{body: `{"error":{"code":"x","message":"y"}}`, failed: true, code: "x", message: "y"},
		// OAuth.
		{body: `{"error":"invalid_grant","error_description":"code expired"}`, failed: true, code: "invalid_grant", message: "code expired"},
		{body: `{"error":"invalid_grant","message":"code expired"}`, failed: true, code: "invalid_grant", message: "code expired"},
		{body: `{"error":"too bad","message":"code expired"}`, failed: true, message: "too bad: code expired"},
		// JSON-RPC.
		{body: `{"jsonrpc":"2.0","result":{"a":1},"id":"r"}`, value: `{"a":1}`},
		{body: `{"jsonrpc":"2.0","result":5,"error":null,"id":1,"more":0}`, value: `5`},
		{body: `{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":["p"]},"id":null}`, failed: true, code: "-32602", message: "Invalid params", data: `["p"]`},
		{body: `{"jsonrpc":"2.0","error":{"code":"E1","message":"m"}}`, failed: true, code: "E1", message: "m"},
		// Matrix.
		{body: `{"rsp":"succ","res":"","data":[1],"msg_id":"m"}`, value: `[1]`},
		{body: `{"rsp":"succ","msg_id":"m"}`, value: whole},
		{body: `{"rsp":"fail","res":"e00090","err_msg":"no","data":{"x":1}}`, failed: true, code: "e00090", message: "no", data: `{"x":1}`},
		{body: `{"rsp":"fail","res":"","err_msg":null}`, failed: true},
		// The API's own.
		{body: `{"result":1}`, value: whole},
		{body: `{"error":null}`, value: whole},
		{body: `{"error":0,"data":[1]}`, value: whole},
		{body: `{"error":"0","data":[1]}`, value: whole},
		{body: `{"error":"x","data":[1]}`, value: whole},
		{body: `{"error":"x","rows":3}`, value: whole},
		{body: `{"error":5}`, value: whole},
		{body: `{"result":1,"error":null,"rows":3}`, value: whole},
		{body: `{"result":1,"error":"half of it","rows":3}`, value: whole},
		{body: `{"code":0,"message":"fine","data":1}`, value: whole},
		{body: `{"rsp":"succ"}`, value: whole},
		{body: `{"rsp":"maybe","res":""}`, value: whole},
		{body: `{"jsonrpc":2,"id":1}`, value: whole},
		{body: `{"jsonrpc":"2.0","id":1}`, value: whole},
		{body: `{"Result":1,"Error":null}`, value: whole},
		{body: `{}`, value: whole},
		{body: `[{"result":1,"error":null}]`, value: whole},
		{body: `"result"`, value: whole},
		{body: ``, value: whole},
		{body: `<html>`, value: whole},
		// Not JSON after all.
		{body: `{"result":1,"error":null`, value: whole},
		{body: `{"result":1,"error":null}}`, value: whole},
		{body: `{"result":1,"error":null,}`, value: whole},
		{body: `{"result":1 "error":null}`, value: whole},
		{body: `{"result":,"error":null}`, value: whole},
		{body: `{"result":"1,"error":null}`, value: whole},
		{body: `{"result":[1,"error":null}`, value: whole},
		{body: `{result:1,"error":null}`, value: whole},
		{body: `{"a":"\`, value: whole},
		{body: `{`, value: whole},
		{body: `{"`, value: whole},
		{body: `{"a":`, value: whole},
	} {
		if row.value == whole {
			row.value = row.body
		}
		v := open([]byte(row.body))
		if v.failed != row.failed || v.code != row.code || v.message != row.message || string(v.data) != row.data {
			t.Errorf("%s\n got %v, code %q, message %q, data %s", row.body, v.failed, v.code, v.message, v.data)
		}
		if !v.failed && string(v.value) != row.value {
			t.Errorf("%s\n got value %s, want %s", row.body, v.value, row.value)
		}
	}
}

// The members of whatever encoding/json takes for an object are found, each
// value with its exact bytes; and what is found in an envelope is part of it.
func FuzzMembersAgreeWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{"result":{"a":[1,2,{"b":"}"}]},"error":null,"id":"x","data":-1.5e3}`, `{"rsp":"fail","res":"\"","err_msg":"\\"}`, `{} `, `[]`, `{"a":1}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, ok := parseMembers(body)
		open(body)
		var want map[string]json.RawMessage
		if json.Unmarshal(body, &want) != nil || want == nil {
			return
		}
		if !ok {
			t.Fatalf("%q: not taken for an object", body)
		}
		for name, got := range map[string][]byte{"result": m.result, "error": m.err, "data": m.data, "rsp": m.rsp, "res": m.res, "jsonrpc": m.jsonrpc} {
			if !bytes.Equal(got, want[name]) {
				t.Errorf("%q: %s is %q, want %q", body, name, got, want[name])
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	rows := `[` + strings.Repeat(`{"id":17,"title":"Tee \"fein\", 茶","tags":["a","b"],"price":"12.50"},`, 400) + `0]`
	for name, body := range map[string]string{
		"small": `{"result":{"Messages":12,"Messages_ready":12,"Messages_unacknowledged":0,"Consumers":1},"error":null}`,
		"large": `{"result":` + rows + `,"error":null}`,
	} {
		b.Run(name, func(b *testing.B) {
			text := []byte(body)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				open(text)
			}
		})
	}
}
