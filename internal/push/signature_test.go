package push

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The example of the specification of Standard Webhooks.
func TestASignatureIsThatOfTheStandard(t *testing.T) {
	secret := mustSecret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	h := http.Header{}
	body := []byte(`{"test": 2432232314}`)
	Sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), body, secret)
	if got, want := h.Get("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature = %s, want %s", got, want)
	}
}

func TestAMessageOfTwoSecretsIsVerifiedByEither(t *testing.T) {
	old, fresh, other := mustSecret(t, NewSecret()), mustSecret(t, NewSecret()), mustSecret(t, NewSecret())
	h, body, now := http.Header{}, []byte("body"), time.Now()
	Sign(h, "00000001-1", now, body, fresh, old)
	for _, s := range []Secret{old, fresh} {
		if err := Verify(h, body, now, s); err != nil {
			t.Error(err)
		}
	}
	if Verify(h, body, now, other) == nil || Verify(h, body, now, Secret{}) == nil {
		t.Error("a message is verified by a secret that did not sign it")
	}
}

func TestWhatWasChangedOrIsOldIsNotVerified(t *testing.T) {
	secret := mustSecret(t, NewSecret())
	now := time.Now()
	for name, change := range map[string]func(h http.Header, body []byte){
		"body":    func(_ http.Header, body []byte) { body[0]++ },
		"id":      func(h http.Header, _ []byte) { h.Set(HeaderID, "00000001-2") },
		"time":    func(h http.Header, _ []byte) { h.Set(HeaderTimestamp, fmt.Sprint(now.Unix()+1)) },
		"no time": func(h http.Header, _ []byte) { h.Del(HeaderTimestamp) },
		"old":     func(h http.Header, body []byte) { Sign(h, "00000001-1", now.Add(-Tolerance-time.Second), body, secret) },
		"future": func(h http.Header, body []byte) {
			Sign(h, "00000001-1", now.Add(Tolerance+2*time.Second), body, secret)
		},
		"no signature": func(h http.Header, _ []byte) { h.Del(HeaderSignature) },
		"version":      func(h http.Header, _ []byte) { h.Set(HeaderSignature, "v2"+h.Get(HeaderSignature)[2:]) },
	} {
		h, body := http.Header{}, []byte("body")
		Sign(h, "00000001-1", now, body, secret)
		change(h, body)
		if Verify(h, body, now, secret) == nil {
			t.Errorf("%s: it is verified", name)
		}
	}
}

func TestASecretIsNeverShownAndNeverShort(t *testing.T) {
	text := NewSecret()
	s := mustSecret(t, text)
	if shown := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(shown, text[6:20]) {
		t.Errorf("a secret is shown: %s", shown)
	}
	for _, bad := range []string{
		"", "whsec_", "s3cret", strings.TrimPrefix(text, "whsec_"), "whsec_!" + text[7:],
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)), "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)),
	} {
		if _, err := ParseSecret(bad); err == nil {
			t.Errorf("ParseSecret(%q) has no error", bad)
		} else if len(bad) > 6 && strings.Contains(err.Error(), bad) {
			t.Errorf("ParseSecret: %q shows the secret", err)
		}
	}
}

// FuzzOnlyTheSignerIsVerified holds that no signature but that of Sign is taken.
func FuzzOnlyTheSignerIsVerified(f *testing.F) {
	secret := Secret{make([]byte, 32)}
	now := time.Unix(1_700_000_000, 0)
	f.Add("v1,", "1700000000", "id", []byte("body"))
	f.Fuzz(func(t *testing.T, signature, timestamp, id string, body []byte) {
		h := http.Header{HeaderID: {id}, HeaderTimestamp: {timestamp}, HeaderSignature: {signature}}
		if Verify(h, body, now, secret) != nil {
			return
		}
		if want := base64.StdEncoding.EncodeToString(secret.sum(id, timestamp, body)); !strings.Contains(signature, want) {
			t.Errorf("%q is taken for a signature", signature)
		}
	})
}

func mustSecret(t *testing.T, text string) Secret {
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
