package memory

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

func hash(t testing.TB, password string, iterations int) string {
	t.Helper()
	text, err := platform.HashPassword(password, iterations)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOnlyTheRightPasswordLetsAUserIn(t *testing.T) {
	u := NewUsers()
	ann := platform.User{ID: "7", Login: "ann", Data: map[string]string{"mail": "ann@example.com"}}
	u.Add(ann, hash(t, "秘密", 1))
	for _, row := range []struct {
		login, password string
		right           bool
	}{
		{"ann", "秘密", true},
		{"ann", "秘密 ", false},
		{"ann", "", false},
		{"Ann", "秘密", false},
		{"", "秘密", false},
		{"bob", "秘密", false},
	} {
		got, err := u.Authenticate(t.Context(), row.login, row.password)
		if row.right && (err != nil || got.ID != "7" || got.Data["mail"] != "ann@example.com") {
			t.Errorf("%q with the right password: %+v, %v", row.login, got, err)
		}
		if !row.right && (err != platform.ErrWrongPassword || got.ID != "") {
			t.Errorf("%q with a wrong password: %+v, %v", row.login, got, err)
		}
	}
}

func TestAUserCanBeReplacedAndRemoved(t *testing.T) {
	u := NewUsers()
	u.Add(platform.User{ID: "7", Login: "ann"}, hash(t, "old", 1))
	u.Add(platform.User{ID: "7", Login: "ann"}, hash(t, "new", 1))
	if _, err := u.Authenticate(t.Context(), "ann", "old"); err != platform.ErrWrongPassword {
		t.Errorf("the old password: %v", err)
	}
	if _, err := u.Authenticate(t.Context(), "ann", "new"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	u.Remove("ann")
	u.Remove("nobody")
	if _, err := u.Authenticate(t.Context(), "ann", "new"); err != platform.ErrWrongPassword {
		t.Errorf("a removed user: %v", err)
	}
}

func TestNobodyIsInAnEmptyUsers(t *testing.T) {
	if _, err := NewUsers().Authenticate(t.Context(), "", ""); err != platform.ErrWrongPassword {
		t.Errorf("got %v", err)
	}
}

func TestABadHashIsAFailureAndNoWrongPassword(t *testing.T) {
	u := NewUsers()
	u.Add(platform.User{ID: "7", Login: "ann"}, "plain text")
	if _, err := u.Authenticate(t.Context(), "ann", "plain text"); err == nil || errors.Is(err, platform.ErrWrongPassword) {
		t.Errorf("got %v", err)
	}
}

func TestAUsersDataBelongsToTheUsers(t *testing.T) {
	u := NewUsers()
	data := map[string]string{"role": "clerk"}
	u.Add(platform.User{ID: "7", Login: "ann", Data: data}, hash(t, "x", 1))
	data["role"] = "admin"
	for range 2 {
		got, err := u.Authenticate(t.Context(), "ann", "x")
		if err != nil || got.Data["role"] != "clerk" {
			t.Fatalf("got %+v, %v", got, err)
		}
		got.Data["role"] = "admin"
	}
}

// How long it takes must not tell which logins exist. The hash costs some ten
// milliseconds, so that a check that is left out is far outside of the noise.
func TestAnUnknownLoginCostsAsMuchTimeAsAKnownOne(t *testing.T) {
	u := NewUsers()
	u.Add(platform.User{ID: "7", Login: "ann"}, hash(t, "x", 50_000))
	took := func(login string) time.Duration {
		best := time.Hour
		for range 3 {
			began := time.Now()
			u.Authenticate(t.Context(), login, "wrong")
			best = min(best, time.Since(began))
		}
		return best
	}
	if known, unknown := took("ann"), took("nobody"); unknown < known/4 {
		t.Errorf("a known login takes %v, an unknown one %v", known, unknown)
	}
}

func TestUsersMayBeUsedByManyGoroutines(t *testing.T) {
	u := NewUsers()
	text := hash(t, "x", 1)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				u.Add(platform.User{ID: "7", Login: "ann"}, text)
				u.Authenticate(t.Context(), "ann", "x")
				u.Remove("ann")
			}
		})
	}
	group.Wait()
}
