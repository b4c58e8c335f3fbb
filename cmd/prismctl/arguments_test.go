package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// gbk is text that is no UTF-8.
const gbk = "\xb6\xa9\xb5\xa5"

func TestBytesArriveAsGiven(t *testing.T) {
	srv := prismtest.NewServer(t)
	inBase64 := base64.StdEncoding.EncodeToString([]byte(gbk))
	for _, args := range [][]string{
		{"publish", "order.new", gbk},
		{"queue", "write", gbk},
		{"post", "platform/notify/write", "data=" + gbk, "-H", "X-Api-Note: " + gbk},
	} {
		if r := with(srv, args...); r.status != exitDone {
			t.Errorf("%q: %+v", args, r)
		}
		r := with(srv, "consume", "-n", "1", "--timeout", "30s")
		if r.status != exitDone || !strings.Contains(r.out, inBase64) {
			t.Errorf("%q brought %s%s", args, r.out, r.err)
		}
	}
	r := with(srv, "sign", "GET", "/api/"+gbk, "a="+gbk, "-H", "X-Api-Note: "+gbk)
	if strings.Count(r.out, "%B6%A9%B5%A5") != 6 {
		t.Errorf("sign lost bytes: %s", r.out)
	}
}

func TestNamesThatAreNotUTF8AreRefused(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, args := range [][]string{
		{"publish", gbk, "x"},
		{"publish", "order.new", "x", "--type", gbk},
		{"consume", gbk},
		{"get", gbk},
		{"queue", "create", gbk},
		{"queue", "bind", gbk, "#"},
		{"queue", "bind", "orders", gbk},
		{"queue", "write", "x", "--topic", gbk},
		{"app", "create", gbk},
		{"app", "publish", "shop", gbk},
		{"key", "create", "shop", "--notes", gbk},
		{"key", "create", "shop", "--meta", "city=" + gbk},
		{"key", "create", "shop", "--meta", gbk + "=city"},
		{"queue", "list", "--key", gbk},
		{"serve", "--bind", gbk + "=orders"},
	} {
		with(srv, args...).want(t, exitUsage, "", "is no UTF-8")
	}
}

func TestATildeIsTheHomeDirectory(t *testing.T) {
	srv := prismtest.NewServer(t)
	t.Setenv("HOME", t.TempDir())
	if err := os.WriteFile(filepath.Join(os.Getenv("HOME"), "secret"), []byte(srv.Secret()), 0o600); err != nil {
		t.Fatal(err)
	}
	with(srv, "queue", "create", "a", "--secret-file=~/secret").want(t, exitDone, "created queue a\n", "")
}
