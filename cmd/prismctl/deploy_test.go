package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// project returns the text of a file of the project.
func project(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheDockerfileTakesTheModulesOfTheWorkspace(t *testing.T) {
	dockerfile := project(t, "Dockerfile")
	for _, use := range regexp.MustCompile(`\./(\S+)`).FindAllStringSubmatch(project(t, "go.work"), -1) {
		if want := "COPY " + use[1] + "/go.mod " + use[1] + "/go.sum " + use[1] + "/\n"; !strings.Contains(dockerfile, want) {
			t.Errorf("%q is not in it", want)
		}
	}
}
