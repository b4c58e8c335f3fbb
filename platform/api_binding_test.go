package platform_test

import (
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestABindingHasTheMembersThatToolsRead(t *testing.T) {
	store := provisionedStore()
	p, other := newPlatform(t, platform.Config{Store: store}), newPlatform(t, platform.Config{Store: store})
	id := importOf(t, p, adminKey, "file", goodsFile).ID
	list := func() reply {
		return ask(t, other, adminKey, "POST", "platform/manageapp/bindlist", "app_id", "shop")
	}
	list().wantResult(t, "[]")
	bind := func(params ...string) reply {
		return ask(t, p, adminKey, "POST", "platform/manageapp/bind", append([]string{"app_id", "shop"}, params...)...)
	}
	bind("api_id", id, "path", "*", "limit_count", "1001", "limit_seconds", "61").wantResult(t, "true")
	bind("api_id", "goods", "path", "get").wantResult(t, "true")
	bind("api_id", "goods", "path", "/list", "limit_count", "5").wantResult(t, "true")
	bind("api_id", "goods", "path", "{id}", "limit_seconds", "5").wantResult(t, "true")
	one := func(path, count, seconds string) string {
		return `{"api_id":"` + id + `","api_name":"Goods","app_id":"shop","limit_count":` + count + `,"limit_seconds":` + seconds + `,"path":"` + path + `","prefix":"goods"}`
	}
	rest := "," + one("get", "0", "0") + "," + one("list", "5", "60") + "," + one("{id}", "1000", "5") + "]"
	list().wantResult(t, "["+one("*", "1001", "61")+rest)
	bind("api_id", id, "path", "*").wantResult(t, "true") // in place of the one before
	list().wantResult(t, "["+one("*", "0", "0")+rest)
	unbind := func(params ...string) reply {
		return ask(t, p, adminKey, "POST", "platform/manageapp/unbind", append([]string{"app_id", "shop", "api_id", "goods"}, params...)...)
	}
	unbind("path", "*").wantResult(t, "["+one("*", "0", "0")+"]")
	unbind("path", "*").wantResult(t, "[]")
	list().wantResult(t, "["+rest[1:])
	unbind("path", "/list").wantResult(t, "["+one("list", "5", "60")+"]")
	unbind("path", "").want(t, 400, "missing_parameter")
	unbind().wantResult(t, "["+one("get", "0", "0")+","+one("{id}", "1000", "5")+"]")
	unbind().wantResult(t, "[]")
	list().wantResult(t, "[]")
	bind("api_id", "goods", "path", "get").wantResult(t, "true")
	ask(t, p, adminKey, "POST", "platform/service/delete", "Id", id).wantResult(t, "true")
	list().wantResult(t, "[]")
}

func TestABadBindingIsRefused(t *testing.T) {
	p := newPlatform(t, platform.Config{})
	importOf(t, p, adminKey, "file", goodsFile)
	for _, row := range []struct {
		status int
		code   string
		params []string
	}{
		{400, "missing_parameter", []string{"app_id", "shop", "api_id", "goods"}},
		{400, "missing_parameter", []string{"app_id", "shop", "path", "*"}},
		{400, "missing_parameter", []string{"api_id", "goods", "path", "*"}},
		{404, "unknown_app", []string{"app_id", "alien", "api_id", "goods", "path", "*"}},
		{404, "unknown_service", []string{"app_id", "shop", "api_id", "good", "path", "*"}},
		{404, "unknown_api", []string{"app_id", "shop", "api_id", "goods", "path", "nothing"}},
		{400, "invalid_parameter", []string{"app_id", "shop", "api_id", "goods", "path", "*", "limit_count", "-1"}},
		{400, "invalid_parameter", []string{"app_id", "shop", "api_id", "goods", "path", "*", "limit_count", "many"}},
		{400, "invalid_parameter", []string{"app_id", "shop", "api_id", "goods", "path", "*", "limit_seconds", "99999999999"}},
	} {
		ask(t, p, adminKey, "POST", "platform/manageapp/bind", row.params...).want(t, row.status, row.code)
	}
	ask(t, p, shopKey, "POST", "platform/manageapp/bind", "app_id", "shop", "api_id", "goods", "path", "*").want(t, 403, "forbidden_admin")
}
