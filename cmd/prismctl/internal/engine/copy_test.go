package engine

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A platform that cannot finish a backup is told apart from one that makes none.
func TestABackupThatBreaksOffIsNone(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", backupSocket(dir))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	var got bytes.Buffer
	if err := fetchBackup(t.Context(), backupSocket(dir), &got); err == nil || !strings.Contains(err.Error(), "did not finish it; its log says why") {
		t.Errorf("%v", err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	<-served
}
