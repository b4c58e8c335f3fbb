package platform_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// wrongly sends a call of key with a wrong signature from an address behind a
// trusted proxy.
func wrongly(e *env, key, address string) reply {
	req, err := http.NewRequest("GET", e.url+"/api/platform/notify/status?client_id="+key+"&sign=X&sign_time="+unixNow(), nil)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", address)
	return e.send(req)
}

func unixNow() string {
	query := url.Values{}
	signed("GET", "/", nil, query, nil)
	return query.Get("sign_time")
}

func rightly(e *env, address string) reply {
	req := e.request("GET", "platform/notify/status", nil)
	req.Header.Set("X-Forwarded-For", address)
	return e.send(req)
}

func TestWrongSignaturesAreLimitedByAddressAndNeverByKeyAlone(t *testing.T) {
	e := newEnv(t, platform.Config{TrustedProxies: loopbackProxy})
	codes := map[string]int{}
	began := time.Now()
	for range 1000 {
		codes[wrongly(e, testKey, "192.0.2.7").code()]++
	}
	most := 101 + int(time.Since(began)/(time.Second/100))
	if codes["invalid_sign"] > most || codes["invalid_sign"]+codes["too_many_failures"] != 1000 || codes["invalid_sign"] < 100 {
		t.Errorf("1,000 wrong signatures in %v: %v", time.Since(began), codes)
	}
	rightly(e, "192.0.2.8").want(t, 200, "")
	wrongly(e, otherKey, "192.0.2.8").want(t, 401, "invalid_sign")
}

func TestGuessesAtOneKeyFromOneAddressAreNotLookedAt(t *testing.T) {
	e := newEnv(t, platform.Config{TrustedProxies: loopbackProxy})
	for {
		if r := wrongly(e, testKey, "192.0.2.7"); r.code() == "too_many_failures" {
			if r.header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
			}
			break
		}
	}
	for deadline := time.Now().Add(patience); ; { // the right signature waits, too, but not for long
		if rightly(e, "192.0.2.7").status == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("still locked out")
		}
	}
}

func TestUnknownKeysAreLimitedOnLoopbackToo(t *testing.T) {
	e := newEnv(t, platform.Config{})
	codes := map[string]int{}
	for range 1000 {
		codes[wrongly(e, "nobody", "192.0.2.7").code()]++
	}
	if codes["too_many_failures"] == 0 {
		t.Errorf("%v", codes)
	}
	rightly(e, "192.0.2.7").want(t, 200, "") // other failures of its address lock nobody out
}

// A parameter with the secret looks as any other, so that no guess is confirmed.
func TestExplainConfirmsNoGuessOfTheSecret(t *testing.T) {
	e := newEnv(t, platform.Config{Explain: true})
	explained := func(guess string) string {
		req := e.request("GET", "platform/notify/status", url.Values{"guess": {guess}})
		req.URL.RawQuery += "&more=1"
		return strings.ReplaceAll(e.send(req).body, guess, "GUESS")
	}
	wrong := "acr72ygfutspqeuu6s36"
	cut := func(s string) string {
		_, s, _ = strings.Cut(s, `"string_to_sign"`)
		s, _, _ = strings.Cut(s, "sign_time")
		return s
	}
	if right := cut(explained(testSecret)); right != cut(explained(wrong)) || !strings.Contains(right, "GUESS") {
		t.Errorf("a right guess is shown as %s", right)
	}
}
