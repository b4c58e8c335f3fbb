package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go"
)

func TestTheLogOfServeHasNoSecret(t *testing.T) {
	dir := t.TempDir()
	secret, password := filepath.Join(dir, "secret"), filepath.Join(dir, "password")
	for _, file := range []string{secret, password} {
		if err := os.WriteFile(file, []byte("ucr72ygfutspqeuu6s36"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"--admin-key", "op", "--admin-secret-file", secret, "--user", "alice:" + password}, {"--data", filepath.Join(dir, "data")}} {
		s := serve(t, nil, append(args, "-v", "debug", "--log-format", "json")...)
		hidden := []string{"ucr72ygfutspqeuu6s36"}
		if s.Secret != "" {
			hidden = append(hidden, s.Secret, s.Password)
		} else {
			s.Secret = "ucr72ygfutspqeuu6s36"
		}
		s.do("publish order.new hello")
		s.do("get no/such")
		r := s.stop()
		if r.status != exitDone || !strings.Contains(r.err, "no/such") {
			t.Errorf("%+v", r)
		}
		for _, text := range hidden {
			if strings.Contains(r.err, text) || args[0] == "--admin-key" && strings.Contains(s.first, text) {
				t.Errorf("%s is in\n%s%s", text, s.first, r.err)
			}
		}
		for line := range strings.Lines(r.err) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%q is no JSON", line)
			}
		}
	}
}

func TestTheLogTellsTheLifeOfAPlatform(t *testing.T) {
	s := serve(t, nil, "-v", "info", "--log-format", "json")
	r := s.stop()
	var told []map[string]any
	for line := range strings.Lines(r.err) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		told = append(told, record)
	}
	if len(told) != 3 || told[0]["msg"] != "listening" || told[1]["msg"] != "asked to end: draining" || told[2]["msg"] != "ended" {
		t.Fatalf("the log is\n%s", r.err)
	}
	if told[0]["url"] != s.URL || told[0]["version"] != prism.Version || told[0]["messages"] != "in memory" {
		t.Errorf("it begins with %v", told[0])
	}
}
