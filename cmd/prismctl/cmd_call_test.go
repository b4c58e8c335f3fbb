package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestACallSendsWhatTheCommandLineSays(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("shop/order", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s|%s|%s|%s", r.Method, r.URL.RawQuery, body, r.Header.Get("X-Api-A"), r.Header.Get("Authorization"))
	})
	env := of(srv)
	env["PRISM_TOKEN"] = "from-env"
	for _, c := range []struct {
		args []string
		out  string
	}{
		{[]string{"get", "shop/order"}, "GET |||Bearer from-env"},
		{[]string{"get", "/shop/order?x=1", "a=b c", "a=2", "e="}, "GET a=b+c&a=2&e=&x=1|||Bearer from-env"},
		{[]string{"post", "shop/order?x=1", "a=b=c", "d=中"}, "POST x=1|a=b%3Dc&d=%E4%B8%AD||Bearer from-env"},
		{[]string{"put", "shop/order", "a=1", "-H", "X-Api-A: b, c"}, "PUT |a=1|b, c|Bearer from-env"},
		{[]string{"post", "-H", "X-Api-A: b", "--", "shop/order", "--url=https://elsewhere.example/api", "-H=c"}, "POST |--url=https%3A%2F%2Felsewhere.example%2Fapi&-H=c|b|Bearer from-env"},
		{[]string{"delete", "shop/order", "a=1", "--token", "t"}, "DELETE a=1|||Bearer t"},
	} {
		invocation{args: c.args, env: env}.run().want(t, exitDone, c.out, "")
	}
}

func TestEveryFailureEnvelopeExits1AndIsPrinted(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, body := range []string{
		`{"result":null,"error":{"code":"busy","message":"try later"}}`,
		`{"result":null,"error":"busy"}`,
		`{"jsonrpc":"2.0","error":{"code":-32602,"message":"busy"},"id":"1"}`,
		`{"rsp":"fail","res":"busy","err_msg":"later","data":null}`,
	} {
		srv.Handle("a", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		r := with(srv, "get", "a")
		if r.status != exitRefused || r.out != body || !strings.HasPrefix(r.err, "prismctl: GET a: ") || !strings.Contains(r.err, "busy") {
			t.Errorf("%s gave %+v", body, r)
		}
	}
}

func TestAPlatformThatCannotBeReachedExits3(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	env := map[string]string{"PRISM_URL": "http://" + l.Addr().String() + "/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}
	for _, command := range []string{
		"get a", "post a", "queue list", "queue status", "queue read", "queue write x",
		"publish k b", "publish k --lines", "consume", "consume -n 1 --timeout 9s",
	} {
		r := invocation{args: strings.Fields(command), env: env, in: strings.NewReader("a\nb\n")}.run()
		r.want(t, exitUnreachable, "", "prismctl: cannot reach the platform at http://"+l.Addr().String())
	}
}

func TestARefusedKeyExits1AtOnce(t *testing.T) {
	srv := prismtest.NewServer(t)
	wrong := of(srv)
	wrong["PRISM_SECRET"] = "another"
	for _, command := range []string{"queue list", "publish k b", "publish k --lines", "consume", "consume -n 1"} {
		r := invocation{args: strings.Fields(command), env: wrong, in: strings.NewReader("a\nb\n")}.run()
		r.want(t, exitRefused, "", "invalid_sign")
	}
}

func TestAPlatformThatIsStoppedExits4(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Freeze()
	for _, command := range []string{
		"get a", "queue list", "publish k b", "publish k --lines", "consume", "consume -n 1",
	} {
		args := append(strings.Fields(command), "--timeout", "100ms")
		r := invocation{args: args, env: of(srv), in: strings.NewReader("a\nb\n")}.run()
		if r.status != exitTimeout || r.err == "" {
			t.Errorf("%s: %+v", command, r)
		}
	}
}

func TestACallIsInterrupted(t *testing.T) {
	srv := prismtest.NewServer(t)
	asked := make(chan bool)
	srv.Handle("slow", func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := begin(invocation{ctx: ctx, args: []string{"get", "slow"}, env: of(srv)})
	awaited(t, "the call", asked)
	cancel()
	(<-done).want(t, exitInterrupted, "", "")
}

// The argument parser takes what begins with - for a flag.
func TestANumberBelowZeroIsAMessageBehindTwoDashes(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, args := range [][]string{
		{"publish", "order.new", "--", "-5"},
		{"queue", "write", "--", "-5"},
		{"post", "platform/notify/write", "data=-5"},
		{"post", "platform/notify/write", "--", "data=-5"},
	} {
		if r := with(srv, args...); r.status != exitDone {
			t.Errorf("%q: %+v", args, r)
		}
		if r := with(srv, "queue", "read", "--output", "text"); !strings.HasSuffix(r.out, "  -5\n") {
			t.Errorf("%q brought %q%s", args, r.out, r.err)
		}
	}
	with(srv, "post", "platform/notify/write", "-5").want(t, exitUsage, "", "An argument that begins with - stands behind --")
	with(srv, "post", "platform/notify/write", "--", "-5").want(t, exitUsage, "", `"-5" is no parameter: write name=value`)
}

func TestAParameterIsReadFromAFileOrFromStandardInput(t *testing.T) {
	srv := prismtest.NewServer(t)
	file := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(file, []byte("{\"id\":7}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{"data=@" + file: "{\"id\":7}\n", "data=@-": "from a pipe\n", "data=@@home": "@home", "data=a@b": "a@b"} {
		r := invocation{args: []string{"post", "platform/notify/write", arg}, env: of(srv), in: strings.NewReader("from a pipe\n")}.run()
		if r.status != exitDone {
			t.Errorf("%s: %+v", arg, r)
		}
		if got := parsed(t, with(srv, "queue", "read").out)[0]["body"]; got != want {
			t.Errorf("%s sent %q, want %q", arg, got, want)
		}
	}
}

func TestAnErrorOfTheConnectionSaysWhatItWas(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for url, want := range map[string]string{
		secure.URL: "This machine does not trust who has signed its certificate",
		strings.Replace(plain.URL, "http://", "https://", 1): "It speaks no TLS: does PRISM_URL (or --url) need http://",
		"http://127.0.0.1:1": "Nothing listens there",
	} {
		env := map[string]string{"PRISM_URL": url + "/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}
		for _, command := range []string{"queue status", "publish a b"} {
			invocation{args: strings.Fields(command), env: env}.run().want(t, exitUnreachable, "", want)
		}
	}
}
