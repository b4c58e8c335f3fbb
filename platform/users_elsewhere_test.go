package platform_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// noUsers stands for those of a database.
type noUsers struct{}

func (noUsers) Authenticate(context.Context, string, string) (platform.User, error) {
	return platform.User{}, platform.ErrWrongPassword
}

func TestCallsAboutUsersThatAreElsewhereSaySo(t *testing.T) {
	store := storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "admin", Admin: true})
	e := newEnv(t, platform.Config{Store: store, Users: noUsers{}})
	for path, params := range map[string]url.Values{"list": nil, "disable": {"login": {"ann"}}, "password": {"login": {"ann"}}} {
		r := e.call("POST", "platform/user/"+path, params)
		if r.status != http.StatusNotFound || !strings.Contains(r.body, "asks elsewhere") {
			t.Errorf("%s: %+v", path, r)
		}
	}
}
