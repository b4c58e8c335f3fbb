package main

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shopex/prism-go/sign"
)

const explainedSecret = "ucr72ygfutspqeuu6s36"

// signedURL returns a URL with a signature that is right, or that change has made wrong.
func signedURL(change func(*sign.Request)) string {
	query := url.Values{"client_id": {"buwb2lii"}, "sign_method": {"md5"}, "sign_time": {"1400568648"}, "a": {"it's"}}
	r := sign.Request{Method: "GET", Path: "/api/x", Query: query}
	if change != nil {
		change(&r)
	}
	return "http://127.0.0.1:8080/api/x?" + query.Encode() + "&sign=" + sign.Sign(explainedSecret, r)
}

func withoutBase(r *sign.Request) { r.Path = "/x" }

func explain(args ...string) result {
	env := map[string]string{"PRISM_KEY": "buwb2lii", "PRISM_SECRET": explainedSecret}
	return invocation{args: append([]string{"sign"}, args...), env: env}.run()
}

func TestSignExplainSaysWhyASignatureIsWrong(t *testing.T) {
	r := explain("explain", signedURL(withoutBase))
	for _, part := range []string{
		"GET /api/x: wrong: path-without-base\n", "the client signs the path without its base", "Part 3 of 7 (path) differs at character 4: the rule has a there, and the client signed x.",
		"\nto sign  ***&GET&%2Fapi%2Fx&&a%3Dit%27s%26client_id%3D",
	} {
		if !strings.Contains(r.out, part) {
			t.Errorf("%q is not in\n%s", part, r.out)
		}
	}
	r.want(t, exitDone, r.out, "")
	if r := explain("explain", signedURL(nil)); !strings.HasPrefix(r.out, "GET /api/x: right\nThe signature is right.") || r.status != exitDone {
		t.Errorf("%+v", r)
	}
}

func TestSignVerifySaysSoInALineAndByItsStatus(t *testing.T) {
	explain("verify", signedURL(nil)).want(t, exitDone, "GET /api/x: right\n", "")
	explain("verify", signedURL(withoutBase)).want(t, exitRefused, "GET /api/x: wrong\n", "sign explain")
	explain("verify", "--output", "json", signedURL(nil), signedURL(withoutBase)).want(t, exitRefused, "true\nfalse\n", "sign explain")
}

func TestSignExplainTakesEachFormOfARequest(t *testing.T) {
	right := signedURL(nil)
	file := filepath.Join(t.TempDir(), "request.har")
	har := `{"log":{"entries":[{"request":{"method":"GET","url":"http://h/favicon.ico","headers":[]}},{"request":{"method":"GET","url":"` + right + `","headers":[]}}]}}`
	if err := os.WriteFile(file, []byte(har), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"curl":          {"curl '" + right + "' -H 'Accept: */*'"},
		"a pasted curl": {"curl", "-s", right, "-H", "Accept: */*"},
		"raw":           {"GET " + right + " HTTP/1.1\r\nHost: h\r\n\r\n"},
		"two words":     {"GET", right},
		"JSON":          {`{"method":"GET","url":"` + right + `"}`},
		"a file":        {file},
		"@ a file":      {"@" + file},
	} {
		if r := explain(append([]string{"verify"}, args...)...); r.out != "GET /api/x: right\n" || r.status != exitDone {
			t.Errorf("%s: %+v", name, r)
		}
	}
	env := map[string]string{"PRISM_SECRET": explainedSecret}
	invocation{args: []string{"sign", "verify", "-"}, in: strings.NewReader(right + "\n"), env: env}.run().want(t, exitDone, "GET /api/x: right\n", "")
}

func TestSignExplainAnswersEachLineByOne(t *testing.T) {
	var in strings.Builder
	for _, address := range []string{signedURL(nil), signedURL(withoutBase), "/api/x?client_id=other&sign_time=1&sign=" + strings.Repeat("A", 32)} {
		line, _ := json.Marshal(map[string]any{"method": "GET", "url": address, "headers": map[string]string{}, "body": ""})
		in.Write(append(line, "\n\n"...))
	}
	env := map[string]string{"PRISM_KEY": "buwb2lii", "PRISM_SECRET": explainedSecret}
	run := func(in string) result {
		return invocation{args: []string{"sign", "explain", "--output", "json", "-"}, in: strings.NewReader(in), env: env}.run()
	}
	r := run(in.String())
	if r.status != exitDone || r.err != "" || strings.Contains(r.out, explainedSecret) {
		t.Fatalf("%+v", r)
	}
	var got []string
	for line := range strings.Lines(r.out) {
		var e explanation
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Causes == nil || e.Text == "" || e.Valid == (len(e.Causes) > 0) {
			t.Fatalf("%s, %v", line, err)
		}
		got = append(got, strings.Join(e.Causes, " "))
	}
	if want := []string{"", "path-without-base", "other-key"}; !slices.Equal(got, want) {
		t.Errorf("causes %q, want %q", got, want)
	}
	r = run("{\n" + `{"url":"` + signedURL(nil) + `"}` + "\n[]")
	if r.status != exitUsage || strings.Count(r.out, "\n") != 3 || !strings.Contains(r.out, `{"valid":false,"causes":["unreadable"],"text":"Line 1 cannot be read`) ||
		!strings.Contains(r.out, `{"valid":true,"causes":[],`) || !strings.Contains(r.err, "2 of the lines") {
		t.Errorf("%+v", r)
	}
}

func TestSignExplainNamesCharacterSets(t *testing.T) {
	query := url.Values{"client_id": {"buwb2lii"}, "sign_time": {"1400568648"}, "a": {"中文é"[:6]}}
	gbk := url.Values{"client_id": query["client_id"], "sign_time": query["sign_time"], "a": {"\xd6\xd0\xce\xc4"}}
	signature := sign.Sign(explainedSecret, sign.Request{Method: "GET", Path: "/api/x", Query: gbk})
	if r := explain("explain", "/api/x?"+query.Encode()+"&sign="+signature); !strings.Contains(r.out, "wrong: charset-gbk\n") {
		t.Errorf("%+v", r)
	}
	if r := explain("explain", "/api/x?"+gbk.Encode()+"&sign="+sign.Sign(explainedSecret, sign.Request{Method: "GET", Path: "/api/x", Query: query})); !strings.Contains(r.out, "wrong: charset-gbk\n") {
		t.Errorf("%+v", r)
	}
	query["a"], gbk["a"] = []string{"é"}, []string{"e\u0301"}
	signature = sign.Sign(explainedSecret, sign.Request{Method: "GET", Path: "/api/x", Query: gbk})
	if r := explain("explain", "/api/x?"+query.Encode()+"&sign="+signature); !strings.Contains(r.out, "wrong: unicode-normalized\n") {
		t.Errorf("%+v", r)
	}
}

func TestSignExplainRefusesWhatItCannotExamine(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		err  string
	}{
		"nothing":         {nil, "there is no request"},
		"no request":      {[]string{"hello"}, "no file has that name"},
		"no file":         {[]string{"@/nowhere/at/all"}, "cannot be read"},
		"no signature":    {[]string{"http://h/api/x?client_id=buwb2lii&sign_time=1400568648"}, "it has no signature"},
		"secret mode":     {[]string{"http://h/api/x?client_id=buwb2lii&client_secret=x"}, "secret mode"},
		"another key":     {[]string{"http://h/api/x?client_id=other&sign_time=1&sign=" + strings.Repeat("A", 32)}, "not the key that was given"},
		"cut off JSON":    {[]string{`{"url":"http://h`}, "cut off"},
		"an open quote":   {[]string{"curl 'http://h"}, "not closed"},
		"an empty HAR":    {[]string{"-"}, "no member log.entries"},
		"a curl and more": {[]string{"curl", "http://h", "http://i"}, "two URLs"},
	} {
		env := map[string]string{"PRISM_KEY": "buwb2lii", "PRISM_SECRET": explainedSecret}
		for _, command := range []string{"explain", "verify"} {
			r := invocation{args: append([]string{"sign", command}, c.args...), env: env, in: strings.NewReader(`{"log":{}}`)}.run()
			r.want(t, exitUsage, "", c.err)
			if strings.Count(strings.TrimSpace(r.err), "\n") > 0 || strings.Contains(r.err, explainedSecret) {
				t.Errorf("%s: %s", name, r.err)
			}
		}
	}
}

func TestSignExplainEndsWhileItWaitsForItsInput(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	in := &waiting{asked: make(chan struct{}), ended: make(chan struct{})}
	defer close(in.ended) // or its read would stay behind
	done := begin(invocation{ctx: ctx, args: []string{"sign", "explain", "-"}, in: in, env: map[string]string{"PRISM_SECRET": explainedSecret}})
	awaited(t, "its first read", in.asked)
	cancel()
	(<-done).want(t, exitInterrupted, "", "")
}

// waiting is an input that nothing comes from.
type waiting struct{ asked, ended chan struct{} }

func (w *waiting) Read([]byte) (int, error) {
	close(w.asked)
	<-w.ended
	return 0, os.ErrClosed
}
