package sign_test

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/shopex/prism-go/sign"
)

func Example() {
	const secret = "ucr72ygfutspqeuu6s36"
	r := sign.Request{
		Method: "POST",
		Path:   "/api/platform/notify/write",
		Header: http.Header{"X-Api-Trace": {"7f3e"}},
		Form: url.Values{
			"client_id":   {"buwb2lii"},
			"sign_method": {"md5"},
			"sign_time":   {"1400567172"},
			"data":        {"hello world"},
		},
	}
	fmt.Println(sign.Mask(sign.StringToSign(secret, r), secret))

	signature := sign.Sign(secret, r)
	r.Form.Set("sign", signature) // what the caller sends
	fmt.Println(signature, sign.Verify(secret, r, signature))
	// Output:
	// ***&POST&%2Fapi%2Fplatform%2Fnotify%2Fwrite&X-Api-Trace%3D7f3e&&client_id%3Dbuwb2lii%26data%3Dhello%20world%26sign_method%3Dmd5%26sign_time%3D1400567172&***
	// 881AF062C57C0D8D22DCC6F56A7F4E31 true
}

// A caller that escapes a space as "+" gets told whose habit that is.
func ExampleExplain() {
	r := sign.Request{Method: "GET", Path: "/api/search", Query: url.Values{"q": {"red shoes"}}}
	dialect, ok := sign.Explain("secret", r, "8EBD32E6FD1EDFD500AFC787389ED566")
	fmt.Println(dialect, ok)
	// Output: java true
}
