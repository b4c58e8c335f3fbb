package platform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestAPrintedKeyHasNoSecret(t *testing.T) {
	k := NewKey("shop")
	var text bytes.Buffer
	for _, value := range []any{k, &k, []Key{k}, map[string]Key{"a": k}, struct{ Key Key }{k}} {
		fmt.Fprintf(&text, "%v %+v %#v %s %q\n", value, value, value, value, value)
	}
	fmt.Fprintln(&text, fmt.Errorf("about %v", k))
	slog.New(slog.NewTextHandler(&text, nil)).Info("key", "key", k)
	slog.New(slog.NewJSONHandler(&text, nil)).Info("key", "key", k, "pointer", &k)
	if strings.Contains(text.String(), k.Secret) || strings.Count(text.String(), k.ID) < 25 {
		t.Errorf("printed as %s", &text)
	}
}

// A store would lose what printing hides.
func TestAKeyIsStoredWithItsSecret(t *testing.T) {
	k := NewKey("shop")
	text, err := json.Marshal(k)
	if err != nil || !strings.Contains(string(text), k.Secret) {
		t.Errorf("stored as %s, %v", text, err)
	}
}
