package platform

import (
	"strings"
	"testing"
)

func TestAPasswordIsKnownByItsHash(t *testing.T) {
	for _, password := range []string{"", "secret", "秘密 with spaces", strings.Repeat("x", 1000), "\x00\xff"} {
		hash, err := HashPassword(password, 2)
		if err != nil {
			t.Fatal(err)
		}
		if right, err := CheckPassword(hash, password); !right || err != nil {
			t.Errorf("the right password: %v, %v", right, err)
		}
		if right, err := CheckPassword(hash, password+"x"); right || err != nil {
			t.Errorf("a wrong password: %v, %v", right, err)
		}
		if password != "" && strings.Contains(hash, password) {
			t.Error("the hash tells the password")
		}
	}
}

func TestEachHashHasItsOwnSalt(t *testing.T) {
	first, _ := HashPassword("secret", 1)
	second, _ := HashPassword("secret", 1)
	if first == second {
		t.Error("two hashes of a password are the same")
	}
}

// The text is kept in configurations, so it must stay readable.
func TestAHashSaysHowItWasMade(t *testing.T) {
	const hash = "pbkdf2-sha256$4096$c2FsdHNhbHRzYWx0c2FsdA$"
	text, err := HashPassword("secret", 4096)
	if err != nil || !strings.HasPrefix(text, hash[:len("pbkdf2-sha256$4096$")]) || strings.Count(text, "$") != 3 {
		t.Errorf("%q, %v", text, err)
	}
	// computed with another implementation
	if right, err := CheckPassword(hash+"CY8B+1Yv3o9/ZVshgH6rfXfxtnFdR4X72INE2sK78Do", "secret"); !right || err != nil {
		t.Errorf("a hash of another program: %v, %v", right, err)
	}
}

func TestIterationsAreBounded(t *testing.T) {
	for _, n := range []int{-1, MaxIterations + 1} {
		if _, err := HashPassword("x", n); err == nil {
			t.Errorf("%d iterations are accepted", n)
		}
	}
}

func TestZeroIterationsAreTheDefault(t *testing.T) {
	text, err := HashPassword("x", 0)
	if err != nil || !strings.HasPrefix(text, "pbkdf2-sha256$600000$") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestWhatIsNoHashIsAnError(t *testing.T) {
	good, _ := HashPassword("x", 1)
	parts := strings.Split(good, "$")
	for _, text := range []string{
		"", "x", "secret", good + "$", strings.Join(parts[:3], "$"), "md5" + good, "$" + good,
		strings.Join([]string{parts[0], "0", parts[2], parts[3]}, "$"),
		strings.Join([]string{parts[0], "-1", parts[2], parts[3]}, "$"),
		strings.Join([]string{parts[0], "99999999999", parts[2], parts[3]}, "$"),
		strings.Join([]string{parts[0], "1", "", parts[3]}, "$"),
		strings.Join([]string{parts[0], "1", parts[2], ""}, "$"),
		strings.Join([]string{parts[0], "1", parts[2], parts[3][:10]}, "$"),
		strings.Join([]string{parts[0], "1", "!" + parts[2], parts[3]}, "$"),
	} {
		right, err := CheckPassword(text, "x")
		if right || err == nil {
			t.Errorf("%q: %v, %v", text, right, err)
		}
		if err != nil && text != "x" && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the hash: %v", err)
		}
	}
}

// What parses has bounds that a check can work with.
func FuzzParseHash(f *testing.F) {
	good, _ := HashPassword("x", 1)
	f.Add(good)
	f.Add("pbkdf2-sha256$1$$")
	f.Fuzz(func(t *testing.T, text string) {
		iterations, salt, hash, err := parseHash(text)
		if err == nil && (iterations < 1 || iterations > MaxIterations || len(salt) < passwordSalt || len(hash) != 32) {
			t.Errorf("%q: %d iterations, salt %x, hash %x", text, iterations, salt, hash)
		}
	})
}
