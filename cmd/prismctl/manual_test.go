package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestEachCommandHasAManualPage(t *testing.T) {
	dir := t.TempDir()
	invocation{args: []string{"__manual", dir, "2026-01-01"}}.run().want(t, exitDone, "", "")
	for page, wants := range map[string][]string{
		"prismctl":            {"prismctl \\- A Prism platform and a client for it", ".BR prismctl\\-queue (1)"},
		"prismctl-queue":      {".BR prismctl\\-queue\\-drop (1)\nRemove a queue with its messages and bindings."},
		"prismctl-queue-drop": {".I <topic>\nThe name of the queue.", ".B \\-\\-yes\n", ".BR prismctl\\-queue (1)"},
		"prismctl-consume":    {".nf\n$ prismctl consume orders \\-n 1\n"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, page+".1"))
		for _, want := range wants {
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%s, %v: no %q in\n%s", page, err, want, text)
			}
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 80 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	known := map[string]bool{".TH": true, ".SH": true, ".TP": true, ".PP": true, ".B": true, ".BR": true, ".I": true, ".RS": true, ".RE": true, ".nf": true, ".fi": true}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			macro, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			if strings.HasPrefix(line, ".") && !known[macro] || strings.HasPrefix(line, "'") {
				t.Errorf("%s: %q is text that is taken for a macro", page, line)
			}
		}
	}
	if lint, err := exec.LookPath("mandoc"); err == nil {
		if out, err := exec.Command(lint, append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput(); err != nil {
			t.Errorf("mandoc: %v\n%s", err, out)
		}
	}
}
