package provider_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/shopex/prism-go/provider"
	"github.com/shopex/prism-go/provider/providertest"
)

// results answers with a result or an error, as it is asked.
func results(_ context.Context, in struct {
	What string `param:"what"`
}) (any, error) {
	switch in.What {
	case "zero":
		return 0, nil
	case "null":
		return nil, nil
	case "own":
		return nil, fmt.Errorf("wrapped: %w", &provider.Error{Code: "item.get.logicException", Message: "卖完了", Data: []int{1}, Status: 409})
	case "number":
		return nil, &provider.Error{Code: "40001", Message: "no such time"}
	case "zeros":
		return nil, &provider.Error{Code: "0040309", Message: "no"}
	case "hidden":
		return nil, errors.New("password=hunter2")
	case "panic":
		panic("hunter3")
	case "no JSON":
		return func() {}, nil
	case "no JSON error":
		return nil, &provider.Error{Data: func() {}}
	}
	return map[string]string{"tid": in.What}, nil
}

func TestAnswersAreInTheirEnvelope(t *testing.T) {
	tests := []struct {
		envelope provider.Envelope
		what     string
		status   int
		want     string
	}{
		{provider.JSONRPC, "7", 200, `{"jsonrpc":"2.0","result":{"tid":"7"},"id":"testrequest"}`},
		{provider.JSONRPC, "zero", 200, `{"jsonrpc":"2.0","result":0,"id":"testrequest"}`},
		{provider.JSONRPC, "null", 200, `{"jsonrpc":"2.0","result":null,"id":"testrequest"}`},
		{provider.JSONRPC, "own", 409, `{"jsonrpc":"2.0","error":{"code":"item.get.logicException","message":"卖完了","data":[1]},"id":"testrequest"}`},
		{provider.JSONRPC, "number", 400, `{"jsonrpc":"2.0","error":{"code":40001,"message":"no such time"},"id":"testrequest"}`},
		{provider.JSONRPC, "zeros", 400, `{"jsonrpc":"2.0","error":{"code":"0040309","message":"no"},"id":"testrequest"}`},
		{provider.JSONRPC, "hidden", 500, `{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":"testrequest"}`},
		{provider.JSONRPC, "panic", 500, `{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":"testrequest"}`},
		{provider.JSONRPC, "no JSON", 500, `{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":"testrequest"}`},
		{provider.JSONRPC, "no JSON error", 500, `{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server error"},"id":"testrequest"}`},
		{provider.Result, "zero", 200, `{"error":null,"result":0}`},
		{provider.Result, "own", 409, `{"error":{"code":"item.get.logicException","message":"卖完了","data":[1]},"result":null}`},
		{provider.Rsp, "zero", 200, `{"rsp":"succ","res":"","data":0}`},
		{provider.Rsp, "own", 409, `{"rsp":"fail","res":"item.get.logicException","err_msg":"卖完了","data":[1]}`},
		{provider.Rsp, "panic", 500, `{"rsp":"fail","res":"4007","err_msg":"Internal error","data":null}`},
		{provider.Plain, "7", 200, `{"tid":"7"}`},
		{provider.Plain, "null", 200, `null`},
		{provider.Plain, "hidden", 500, `{"error":{"code":-32603,"message":"Internal error"}}`},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.envelope, tt.what), func(t *testing.T) {
			p, log := newProvider(t, provider.Config{Envelope: tt.envelope})
			p.Method("a", provider.Func(results))
			r := providertest.Request(providertest.Call{Secret: secret, Target: "/?method=a&what=" + strings.ReplaceAll(tt.what, " ", "+")})
			if status, body := answer(p, r); status != tt.status || body != tt.want {
				t.Errorf("%d %s\nwant %d %s", status, body, tt.status, tt.want)
			}
			if tt.what == "panic" && !(strings.Contains(log.String(), "hunter3") && strings.Contains(log.String(), "envelope_test.go")) {
				t.Errorf("the log has no stack: %s", log)
			}
			if tt.what == "hidden" && !strings.Contains(log.String(), "hunter2") {
				t.Errorf("the log has no error: %s", log)
			}
		})
	}
}

func TestEachRefusalIsInItsEnvelope(t *testing.T) {
	for envelope, want := range map[provider.Envelope][2]string{
		provider.JSONRPC: {`"code":"-32600"`, `"code":"-32601"`},
		provider.Result:  {`{"error":{"code":"-32600"`, `"result":null}`},
		provider.Rsp:     {`{"rsp":"fail","res":"4003"`, `{"rsp":"fail","res":"4001"`},
		provider.Plain:   {`{"error":{"code":"-32600"`, `{"error":{"code":"-32601"`},
	} {
		p, _ := newProvider(t, provider.Config{Envelope: envelope, StringCodes: true, AlwaysOK: true})
		p.Method("a", provider.Func(results))
		for i, s := range []string{"wrong", secret} {
			status, body := answer(p, providertest.Request(providertest.Call{Secret: s, Target: "/?method=b"}))
			wantStatus := 200
			if envelope == provider.Plain {
				wantStatus = []int{403, 404}[i]
			}
			if status != wantStatus || !strings.Contains(body, want[i]) {
				t.Errorf("envelope %d: %d %s", envelope, status, body)
			}
		}
	}
}

func TestAPanicBehindTheBeginningOfAnAnswerCutsIt(t *testing.T) {
	p, _ := newProvider(t, provider.Config{})
	p.Handle("a", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("begun"))
		panic("late")
	}))
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("panics with %v", v)
		}
	}()
	answer(p, providertest.Request(providertest.Call{Secret: secret, Target: "/a"}))
}

func TestAnErrorHasWordsForTheLog(t *testing.T) {
	for want, e := range map[string]*provider.Error{
		"provider: Server error": {}, "provider: 40001": {Code: "40001"}, "provider: no": {Message: "no"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := (provider.User{}).Required(); err == nil || provider.CallFrom(context.Background()).Key != "" {
		t.Error("there is a user outside of a call")
	}
}
