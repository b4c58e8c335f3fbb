package platform

import (
	"regexp"
	"testing"
)

func TestNewKeysLookLikeThoseOfThePlatform(t *testing.T) {
	seen := make(map[string]bool)
	shape := regexp.MustCompile(`^[a-z2-7]{8} [a-z2-7]{20}$`)
	for range 1000 {
		k := NewKey("shop")
		if !shape.MatchString(k.ID+" "+k.Secret) || k.App != "shop" {
			t.Fatalf("key %q of app %q has another shape", k.ID, k.App)
		}
		if seen[k.ID] || seen[k.Secret] {
			t.Fatalf("key %q came twice", k.ID)
		}
		seen[k.ID], seen[k.Secret] = true, true
	}
}
