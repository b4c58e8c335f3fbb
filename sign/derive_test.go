package sign

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// All processes of a key, of any version, have to derive the same bytes.
func TestDerivedKeysDependOnSecretAndLabelAlone(t *testing.T) {
	key := DeriveKey("secret", "label")
	if got := hex.EncodeToString(key); got != "112fefb269ce7dcb2ea6c7e952c104c1abde44e3c0c5589d1e825dcacf1dd2de" {
		t.Errorf("got %s", got)
	}
	for _, other := range [][]byte{DeriveKey("secret2", "label"), DeriveKey("secret", "label2"), DeriveKey("secretl", "abel")} {
		if len(other) != 32 || bytes.Equal(other, key) {
			t.Errorf("got %x", other)
		}
	}
}
