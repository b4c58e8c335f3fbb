package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTheLongestPackagesBeginFirst(t *testing.T) {
	got := longestFirst([]string{"m/admin", "m/cmd/prismctl", "m/cmd/prismctl/internal/load", "m/platform", "m/platform/jetstream"})
	want := []string{"m/cmd/prismctl", "m/platform/jetstream", "m/platform", "m/admin", "m/cmd/prismctl/internal/load"}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestEveryFuzzTestOfAPackageIsFound(t *testing.T) {
	const dir = "../../internal/topic"
	found, err := fuzzTests(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := outputIn(dir, "go", "test", "-list", "^Fuzz", ".")
	if err != nil {
		t.Fatal(err)
	}
	listed := slices.DeleteFunc(strings.Fields(text), func(word string) bool { return !strings.HasPrefix(word, "Fuzz") })
	if slices.Sort(found); len(found) == 0 || !slices.Equal(found, listed) {
		t.Errorf("found %v, and go test lists %v", found, listed)
	}
}

func TestThePackagesHaveAStepOfTheirOwn(t *testing.T) {
	all, err := output("go", "list", "work")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(strings.Fields(all), func(pkg string) bool { return !isPackagesTool(pkg) })); n != 1 {
		t.Errorf("%d packages are %s", n, packagesTool)
	}
	if !slices.ContainsFunc(test, func(s step) bool { return s.name == "packages that install" }) {
		t.Error("no step tests them")
	}
}
