package platform_test

import (
	"net/http"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// The published SDK for PHP passes error.code to an exception that takes integers only; all
// others show it to people or compare it.
func TestErrorsAreNumbersForThosePublishedSDKsThatNeedThem(t *testing.T) {
	const php, python, anybody = "PrismSDK/PHP", "PrismSDK/PYTHON", ""
	for _, tt := range []struct {
		setting, key platform.ErrorCodes
		agent        string
		numbers      bool
	}{
		{"", "", php, true},
		{"", "", python, false},
		{"", "", anybody, false},
		{platform.WordCodes, "", php, false},
		{platform.PrismCodes, "", anybody, true},
		{platform.WordCodes, platform.PrismCodes, anybody, true},
		{platform.PrismCodes, platform.WordCodes, php, false},
	} {
		key := shopKey
		key.ErrorCodes = tt.key
		store := provisionedStore()
		if err := platform.NewRegistry(store).SaveKey(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		p := newPlatform(t, platform.Config{Store: store, ErrorCodes: tt.setting})
		if r := askAs(t, p, key, tt.agent); tt.numbers {
			r.want(t, 404, "0040005")
		} else {
			r.want(t, 400, "missing_parameter")
			contains(t, r.body, `"prism_code":"0040005"`)
		}
		key.Secret = "wrong" // a key that is not proved chooses, too, how it is told
		if r := askAs(t, p, key, tt.agent); tt.numbers {
			r.want(t, 403, "0040301")
		} else {
			r.want(t, 401, "invalid_sign")
		}
	}
}

// askAs writes a message without data.
func askAs(t *testing.T, p http.Handler, key platform.Key, agent string) reply {
	t.Helper()
	r := signedRequest(key, "POST", "platform/notify/write")
	r.Header.Set("User-Agent", agent)
	return serve(t, p, r)
}
