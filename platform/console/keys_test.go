package console

import "testing"

func TestAPushAddressIsShownWithoutItsSecrets(t *testing.T) {
	for address, want := range map[string]string{
		"https://till.example/in":                  "https://till.example/in",
		"https://till.example/a@b":                 "https://till.example/a@b",
		"https://till.example/in?token=canary":     "https://till.example/in?…",
		"https://shop:canary@till.example/in?a=@b": "https://…@till.example/in?…",
		"https://shop:can@ary@till.example":        "https://…@till.example",
	} {
		var shown pushAddress
		if err := shown.UnmarshalText([]byte(address)); err != nil || string(shown) != want || shown.Whole() != (want == address) {
			t.Errorf("%s is shown as %s, whole: %v, %v", address, shown, shown.Whole(), err)
		}
	}
}
