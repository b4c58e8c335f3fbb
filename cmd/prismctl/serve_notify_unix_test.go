//go:build unix

package main

import (
	"net"
	"path/filepath"
	"testing"
)

func TestSystemdIsToldWhenServeIsReadyAndWhenItEnds(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	told := func(want string) {
		t.Helper()
		text := make([]byte, 100)
		if n, err := socket.Read(text); err != nil || string(text[:n]) != want {
			t.Errorf("systemd was told %q, %v, want %s", text[:n], err, want)
		}
	}
	s := serve(t, map[string]string{"NOTIFY_SOCKET": name})
	told("READY=1")
	s.stop().want(t, exitDone, "", "")
	told("STOPPING=1")
	s = serve(t, map[string]string{"NOTIFY_SOCKET": name + "-gone"})
	s.stop().want(t, exitDone, "", "systemd could not be told")
}
