package main

import (
	"crypto/md5"
	"net/http"
	"net/url"

	"github.com/shopex/prism-go/sign"
)

// openSign compares signing a call with 8 parameters with the MD5 of the
// bytes that it hashes.
func openSign() (*contest, error) {
	return signing(url.Values{
		"client_id": {benchKey}, "sign_method": {"md5"}, "sign_time": {"1700000000"},
		"topic": {"messages"}, "routing_key": {"order.new"}, "content_type": {"text/plain; charset=utf-8"},
		"data": {`{"order":[{"bn":"test","name":"测试商品","price":"8498.00"}]}`}, "trace": {"7f3e"},
	})
}

// openSignShort is openSign with values of a few bytes, where the MD5 has the
// least to do for each parameter.
func openSignShort() (*contest, error) {
	return signing(url.Values{
		"client_id": {benchKey}, "sign_method": {"md5"}, "sign_time": {"1700000000"},
		"topic": {"messages"}, "page": {"1"}, "size": {"20"}, "sort": {"time"}, "city": {"上海"},
	})
}

func signing(form url.Values) (*contest, error) {
	r := sign.Request{
		Method: http.MethodPost,
		Path:   "/api/platform/notify/write",
		Header: http.Header{
			"Authorization": {"Bearer 72jte6shi2q7da22bo2al2jn"}, "User-Agent": {"PrismSDK/Go"},
			"Content-Type": {"application/x-www-form-urlencoded"}, "Content-Length": {"212"},
		},
		Form: form,
	}
	text := []byte(sign.StringToSign(benchSecret, r))
	signature := new(string) // kept, as a caller does
	return &contest{
		ours: func(n int) error {
			for range n {
				*signature = sign.Sign(benchSecret, r)
			}
			return nil
		},
		floor: func(n int) error {
			for range n {
				md5.Sum(text)
			}
			return nil
		},
		close: func() {},
	}, nil
}
