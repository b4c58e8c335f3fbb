package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func vectors(t *testing.T) []map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../sign/testdata/sign.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []map[string]any
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestSignLinesAgreesWithEveryVector(t *testing.T) {
	cases := vectors(t)
	var in strings.Builder
	for _, c := range cases {
		line, _ := json.Marshal(c)
		in.Write(append(line, '\n'))
	}
	r := invocation{args: []string{"sign", "-"}, in: strings.NewReader(in.String())}.run()
	if r.status != exitDone || r.err != "" {
		t.Fatalf("exit status %d: %s", r.status, r.err)
	}
	lines := bufio.NewScanner(strings.NewReader(r.out))
	lines.Buffer(nil, 1<<20)
	for _, c := range cases {
		var got map[string]string
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &got) != nil {
			t.Fatalf("%v: there is no line", c["name"])
		}
		if len(got) != 2 || got["sign"] != c["sign"] || got["string_to_sign"] != c["string_to_sign"] {
			t.Errorf("%v: %v", c["name"], got)
		}
	}
	if lines.Scan() {
		t.Errorf("there is one more: %s", lines.Text())
	}
}

func TestSignLinesTakesArraysAndLongLines(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	in := `{"method":"GET","path":"/p","query":{"a":["2","1"],"b":[]},"secret":"s"}` + "\n\n" +
		`{"method":"POST","path":"/p","headers":{"x-api-b":"1"},"form":{"a":"` + long + `"},"secret":"s"}` // no newline
	r := invocation{args: []string{"sign", "-"}, in: strings.NewReader(in)}.run()
	got := parsed(t, r.out)
	if r.status != exitDone || len(got) != 2 {
		t.Fatalf("exit status %d, %d lines, %s", r.status, len(got), r.err)
	}
	if got[0]["string_to_sign"] != "s&GET&%2Fp&&a%3D2%26a%3D1&&s" || got[1]["string_to_sign"] != "s&POST&%2Fp&X-Api-B%3D1&&a%3D"+long+"&s" {
		t.Error("the strings to sign are wrong")
	}
}

func TestABadLineIsNamedByItsNumber(t *testing.T) {
	good := `{"method":"GET","path":"/p","secret":"s"}`
	for _, c := range []struct{ line, err string }{
		{`{`, "it is no JSON object"},
		{`{} {}`, "it is no JSON object"},
		{`[]`, "a JSON array"},
		{`null`, "the member method is missing"},
		{`{"method":"GET","path":"/p"}`, "the member secret is missing"},
		{`{"method":"GET","secret":"s"}`, "the member path is missing"},
		{`{"method":1,"path":"/p","secret":"s"}`, "the member method cannot be a JSON number"},
		{`{"method":"GET","path":"/p","secret":"s","query":{"a":1}}`, "a value must be a string or an array of strings"},
		{`{"method":"GET","path":"/p","secret":"s","query":{"a":null}}`, "a value must be a string or an array of strings"},
		{`{"method":"GET","path":"/p","secret":"s","query":{"a":["b",null]}}`, "a value must be a string or an array of strings"},
		{`{"method":"GET","path":"/p","secret":"s","query":"a=1"}`, "the member query cannot be a JSON string"},
		{"{\"method\":\"\xff\",\"path\":\"/p\",\"secret\":\"s\"}", "it is not UTF-8"},
	} {
		r := invocation{args: []string{"sign", "-"}, in: strings.NewReader(good + "\n" + c.line + "\n" + good)}.run()
		if r.status != exitUsage || strings.Count(r.out, "\n") != 1 || !strings.Contains(r.err, "line 2 of standard input: ") || !strings.Contains(r.err, c.err) {
			t.Errorf("%s: %+v", c.line, r)
		}
	}
}

func FuzzSignLineNeverPanicsAndNeverGuesses(f *testing.F) {
	f.Add([]byte(`{"method":"GET","path":"/p","query":{"a":["b"]},"secret":"s"}`))
	f.Add([]byte(`{"method":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := signLine(line)
		if (err == nil) != (len(s.Sign) == 32) {
			t.Errorf("signature %q, error %v", s.Sign, err)
		}
	})
}

func TestSignExplainsEachPart(t *testing.T) {
	env := map[string]string{"PRISM_SECRET": "ucr72ygfutspqeuu6s36"}
	r := invocation{args: []string{"sign", "PUT", "/api/a%20b?x=1", "n=a b", "-H", "x-api-b: c"}, env: env}.run()
	for _, part := range []string{
		"method   PUT\n", "path     %2Fapi%2Fa%20b\n", "headers  X-Api-B%3Dc\n", "query    x%3D1\n", "form     n%3Da%20b\n",
		"to sign  ***&PUT&%2Fapi%2Fa%20b&X-Api-B%3Dc&x%3D1&n%3Da%20b&***\n", "\nsign     ",
	} {
		if !strings.Contains(r.out, part) {
			t.Errorf("%q is not in\n%s", part, r.out)
		}
	}
	r.want(t, exitDone, r.out, "")
}

func TestSignForPeopleAgreesWithTheVectors(t *testing.T) {
	for _, c := range vectors(t) {
		if len(c["headers"].(map[string]any)) > 0 || c["method"] != "GET" || len(c["form"].(map[string]any)) > 0 {
			continue
		}
		args := []string{"sign", "--output", "json", "--", "GET", strings.NewReplacer("%", "%25", "?", "%3F").Replace(c["path"].(string))}
		for name, value := range c["query"].(map[string]any) {
			if name == "" || strings.Contains(name, "=") {
				args = nil
				break
			}
			args = append(args, name+"="+value.(string))
		}
		if args == nil {
			continue
		}
		r := invocation{args: args, env: map[string]string{"PRISM_SECRET": c["secret"].(string)}}.run()
		if r.status != exitDone || parsed(t, r.out)[0]["sign"] != c["sign"] {
			t.Errorf("%v: %+v", c["name"], r)
		}
	}
}
