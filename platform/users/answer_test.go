package users

import (
	"errors"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func FuzzAnAnswerIsAUserWithAnIDOrAnError(f *testing.F) {
	for _, seed := range []string{`{"id":7}`, `7`, `null`, `{"data":{"id":"a","b":[1]}}`, `{"id":{}}`, `{"data":"\ud800"}`} {
		f.Add([]byte(seed), "")
		f.Add([]byte(seed), "data")
		f.Add([]byte(seed), "data.id")
	}
	f.Fuzz(func(t *testing.T, answer []byte, member string) {
		user, err := parseUser(answer, member, "id")
		if (err == nil) != (user.ID != "") || !fits(user.Data) {
			t.Errorf("%+v, %v", user, err)
		}
		if _, has := user.Data["id"]; has || err != nil && errors.Is(err, platform.ErrWrongPassword) && len(user.Data) > 0 {
			t.Errorf("%+v, %v", user, err)
		}
	})
}
