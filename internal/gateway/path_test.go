package gateway

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/apijson"
)

func items(t testing.TB) *Table {
	get := []string{"GET"}
	return NewTable([]*Service{compiled(t, &apijson.Service{Prefix: "b2b", URL: "http://shop.example/x.php", APIs: []apijson.API{
		{ID: "list", Path: "item", Methods: get},
		{ID: "get", Path: "item/{tid}", Methods: get},
		{ID: "delete", Path: "item/{tid}/delete", Methods: get},
		{ID: "clear", Path: "item/clear", Methods: get},
	}}, Backend{})})
}

// A backend that reads a path otherwise than the platform reaches no API by it that the
// caller has not named.
func TestAPathIsThatOfOneAPIForAllServers(t *testing.T) {
	table := items(t)
	for path, id := range map[string]string{
		"item/7": "get", "item/a%2Fb": "get", "item/a%20b;c": "get", "item/%e4%b8%ad": "get", "item/100%25": "get", "item/a%3Fb%23c": "get", "item/a%5Cb": "get",
		"item/7/delete": "delete", "item/7%2F8/delete": "delete", "item/%63lear": "clear", "item": "list",

		"item/7%2Fdelete": "", "item/7%2fdelete": "", "item/7%252Fdelete": "", "item/7%25252Fdelete": "", "item/7%2525252Fdelete": "",
		"item/7%5Cdelete": "", "item/7%255cdelete": "", "item/7\\delete": "", "item/7%2F%2Fdelete": "", "item/7%2F;x%2Fdelete": "", "item/7;x%2Fdelete;y": "",
		"item/7%2Fdelete%3Fx": "", "item/7%2Fdelete%23x": "", "item/7%2Fdelete%00x": "", "item/7%c0%afdelete": "", "item/7%e0%80%afdelete": "", "item/7%f0%80%80%afdelete": "",
		"item/clear;x": "", "item/clear%3Fx": "", "item/clear%2F": "", "item/%2563lear": "", "item/%c1%a3lear": "", "item/%5Cclear": "", "item/;x": "", "item/%3F": "",
		"item/..;x/y": "", "item/%c0%ae%c0%ae": "", "item/..%00": "", "item/..%3F": "", "item/%0d%0aX": "", "item/%7f": "", "item/%c0%80": "",
		"item/" + strings.Repeat("%2525253B%255C%2523%2F%2F", 9): "",
	} {
		target, err := table.Find(Request{Method: "GET", Path: "b2b/" + path})
		var refused *Refusal
		if id == "" && (!errors.As(err, &refused) || refused.Status != 400) || id != "" && (err != nil || target.ID != id) {
			t.Errorf("%s: %v, %v, want %q", path, target, err, id)
		}
	}
}

// What callers need not escape does not make an escaped slash one.
func TestAPathGoesOnAsItIsWritten(t *testing.T) {
	table := items(t)
	for path, want := range map[string]string{
		"item/a%2Fb\"": "/x.php/item/a%2Fb%22", "item/a%2Fb中": "/x.php/item/a%2Fb%E4%B8%AD", "item/a%2Fb|{c}^`<>": "/x.php/item/a%2Fb%7C%7Bc%7D%5E%60%3C%3E",
		"item/a%2fb%7E~!$&'()*+,;=:@[]-._": "/x.php/item/a%2fb%7E~!$&'()*+,;=:@[]-._",
	} {
		target, err := table.Find(Request{Method: "GET", Path: "b2b/" + path})
		if err != nil {
			t.Fatal(err)
		}
		c := &call{target: target}
		if c.rewriteURL(); c.url.EscapedPath() != want || c.url.RequestURI() != want {
			t.Errorf("%s goes on as %s", path, c.url.RequestURI())
		}
	}
}

// Each path is read in few ways, goes on as it is, and once decoded is for the same API.
func FuzzReadingsOfAPath(f *testing.F) {
	for _, path := range []string{"item/7%2Fdelete", "a/%c0%ae%c0%ae", "a;b/c?d#e\\f//g", strings.Repeat("%2525253B%255C%2523//", 99), "a/b", "a/b/", "/a", "%", "%zz", "\xc0", "\xf0\x80\x80"} {
		f.Add(path)
	}
	table := items(f)
	f.Fuzz(func(t *testing.T, path string) {
		if all, ok := readings(path); len(all) > maxReadings || ok != (len(all) > 0) {
			t.Errorf("%q has %d readings, %t", path, len(all), ok)
		}
		if all, ok := rewritten(path); isPlain(path) && (!ok || len(all) > 1) {
			t.Errorf("%q is plain, and has the readings %q", path, all)
		}
		target, err := table.Find(Request{Method: "GET", Path: "b2b/" + path})
		if err != nil {
			return
		}
		c := &call{target: target}
		c.rewriteURL()
		again, err := url.PathUnescape(strings.TrimPrefix(c.url.EscapedPath(), "/x.php/"))
		if own, _ := url.PathUnescape(path); err != nil || strings.TrimLeft(again, "/") != strings.TrimLeft(own, "/") {
			t.Errorf("%q goes on as %q", path, c.url.EscapedPath())
		}
		other, err := table.Find(Request{Method: "GET", Path: "b2b/" + strings.TrimLeft(again, "/")})
		if err == nil && other.API != target.API {
			t.Errorf("%q is for %s, and once decoded for %s", path, target.ID, other.ID)
		}
	})
}
