package seed

import "testing"

func TestServeForPeopleSaysWhoCanSignIn(t *testing.T) {
	for n, want := range map[Newcomer]string{
		{Name: "demo", Password: "abc"}: "The user who can sign in is demo, with the password abc",
		{}:                              "Nobody can sign in yet: give a user by --user.",
		{Name: "alice"}:                 "The user alice can sign in, with the password that was given or shown at the first start.",
	} {
		if got := n.Introduction(); got != want {
			t.Errorf("it says %q", got)
		}
	}
}
