package prism

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// notPrism are answers with which something else than Prism answers a call.
var notPrism = []string{
	"<html>back soon</html>", "", "{}", "[]", "null", "true", "-5", `{"result":tr`, `{"result":null,"error":null}`,
	`{"jsonrpc":"2.0","result":true,"id":"r"}`, `{"rsp":"succ","res":"","data":true,"msg_id":"m"}`, `{"code":200,"data":true}`,
}

func TestOnlyPrismsOwnEnvelopeIsSuccess(t *testing.T) {
	for _, body := range append(notPrism, `{"result":false,"error":null}`, `{"result":"ok","error":null}`, `{"result":1}`) {
		res, err := get(t, 200, body, "Content-Type", "text/x")
		if err != nil {
			t.Fatal(err)
		}
		var wrong *AnswerError
		if err := res.Result(nil); !errors.As(err, &wrong) || wrong.Status != 200 || wrong.ContentType != "text/x" || wrong.Begin != body {
			t.Errorf("%s: Result(nil) = %v", body, err)
		}
	}
	for _, body := range notPrism {
		res, _ := get(t, 200, body)
		var v struct{ A int }
		var wrong *AnswerError
		if err := res.Result(&v); !errors.As(err, &wrong) {
			t.Errorf("%s: Result(&v) = %v", body, err)
		}
	}
	for _, body := range []string{
		`{"result":true,"error":null}`, `{"result":true}`, "\xef\xbb\xbf{\"result\":true,\"error\":\"\"}",
		`{"result":true,"error":{"code":"","message":""},"request_id":"r","more":1}`,
	} {
		res, err := get(t, 200, body)
		if err == nil {
			err = res.Result(nil)
		}
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAResultIsDecodedAndNullIsAnEmptyList(t *testing.T) {
	res, _ := get(t, 200, `{"result":{"A":7},"error":null}`)
	var v struct{ A int }
	if err := res.Result(&v); err != nil || v.A != 7 {
		t.Errorf("%+v, %v", v, err)
	}
	res, _ = get(t, 200, `{"result":null,"error":null}`)
	list := []string{"x"}
	if err := res.Result(&list); err != nil || len(list) != 0 {
		t.Errorf("%q, %v", list, err)
	}
	res, refused := get(t, 403, `{"result":null,"error":{"code":"forbidden","message":"no"}}`)
	if err := res.Result(nil); err == nil || err != refused {
		t.Errorf("Result = %v, Do = %v", err, refused)
	}
}

// anOrder is an object that promises a member.
type anOrder struct{ ID string }

func (o *anOrder) UnmarshalJSON(text []byte) error {
	var said struct{ ID string }
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	if o.ID = said.ID; o.ID == "" {
		return errors.New("an order with an ID was expected")
	}
	return nil
}

// PHP writes an object without members as a list.
func TestAnEmptyListIsAnObjectWhereNothingIsPromised(t *testing.T) {
	res, err := get(t, 200, `{"result": [] ,"error":null}`)
	if err != nil {
		t.Fatal(err)
	}
	plain, meta := struct{ A int }{}, map[string]string{}
	for _, v := range []any{&plain, &meta} {
		if err := res.Result(v); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
	var wrong *AnswerError
	for _, v := range []any{nil, new(anOrder), new(int), new(bool)} {
		if err := res.Result(v); !errors.As(err, &wrong) {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestAnAnswerErrorShowsTheBeginAndNoSecret(t *testing.T) {
	c := newClient(t, "http://prism.test", over(func(r *http.Request) (*http.Response, error) {
		return reply(200, "\x1b[31mproxy\r\nsays "+testSecret+strings.Repeat(" and so on", 1000)), nil
	}))
	res, err := c.Get(background, "platform/notify/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	text := res.Result(nil).Error()
	if !strings.Contains(text, `proxy\r\nsays *** and so on`) || strings.Contains(text, testSecret) || strings.ContainsRune(text, 0x1b) || len(text) > 500 {
		t.Error(text)
	}
}

func TestAnErrorThatSaysNothingIsNone(t *testing.T) {
	for _, nothing := range []string{
		`{"code":"","message":""}`, `{"code":0,"message":""}`, `{"code":"0","message":null}`, `{"code":null}`, `{"code":0,"message":"","data":[]}`, `{}`,
	} {
		for _, body := range []string{`{"result":{"a":1},"error":` + nothing + `}`, `{"jsonrpc":"2.0","result":{"a":1},"error":` + nothing + `}`} {
			res, err := get(t, 200, body)
			var v struct{ A int }
			if err == nil {
				err = res.Decode(&v)
			}
			if err != nil || v.A != 1 {
				t.Errorf("%s: %+v, %v", body, v, err)
			}
		}
	}
	for _, said := range []string{`{"code":1,"message":""}`, `{"code":"","message":"no"}`, `{"code":"","why":"no"}`} {
		if _, err := get(t, 200, `{"result":null,"error":`+said+`}`); err == nil {
			t.Errorf("%s is no failure", said)
		}
	}
}

func TestNumberedCodesCountMoreThanTheirStatus(t *testing.T) {
	all := []error{ErrUnauthorized, ErrForbidden, ErrNotFound, ErrRateLimited}
	for _, tt := range []struct {
		code   string
		status int
		want   error
	}{
		{"0040301", 403, ErrUnauthorized}, {"0040302", 404, ErrUnauthorized}, {"0040308", 403, ErrUnauthorized},
		{"0040309", 403, ErrForbidden}, {"0040311", 403, ErrRateLimited}, {"0040400", 404, ErrNotFound}, {"0040005", 404, nil},
	} {
		_, err := get(t, tt.status, `{"error":{"code":"`+tt.code+`","message":"m"},"result":null}`)
		for _, sentinel := range all {
			if errors.Is(err, sentinel) != (sentinel == tt.want) {
				t.Errorf("%s: errors.Is(%v, %v) = %v", tt.code, err, sentinel, sentinel != tt.want)
			}
		}
	}
}

func TestOnlyPrismsOwnRefusalIsFinal(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   bool
	}{
		{401, `{"result":null,"error":{"code":"unknown_key","message":"m"}}`, true},
		{404, `{"result":null,"error":{"code":"unknown_api","message":"m"}}`, true},
		{401, `{"result":null,"error":{"code":"key_expired","message":"m"}}`, true},
		{401, `{"result":null,"error":{"code":"secret_changed","message":"m"}}`, true},
		{401, `{"result":null,"error":{"code":"missing_sign","message":"m"}}`, true},
		{403, `{"result":null,"error":{"code":"secret_over_http","message":"m"}}`, true},
		{403, `{"error":{"code":"0040301","message":"m"},"result":null}`, true},
		{401, `{"result":null,"error":{"code":"sign_time_expired","message":"m"}}`, false},
		{429, `{"result":null,"error":{"code":"rate_limited","message":"m"}}`, false},
		{503, `{"result":null,"error":{"code":"unavailable","message":"m"}}`, false},
		{404, "404 page not found", false}, {401, "<html>log in</html>", false}, {403, `{"code":"forbidden","message":"WAF"}`, false}, {302, "", false},
	} {
		_, err := get(t, tt.status, tt.body)
		var failure *Error
		if !errors.As(err, &failure) || failure.Final() != tt.want {
			t.Errorf("%d %s: %v, final %v", tt.status, tt.body, err, !tt.want)
		}
	}
}
