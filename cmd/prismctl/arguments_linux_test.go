package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestAFileNameNeedNotBeUTF8(t *testing.T) {
	srv := prismtest.NewServer(t)
	file := filepath.Join(t.TempDir(), gbk)
	if err := os.WriteFile(file, []byte(srv.Secret()), 0o600); err != nil {
		t.Fatal(err)
	}
	with(srv, "queue", "create", "a", "--secret-file", file).want(t, exitDone, "created queue a\n", "")
}
