package main

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The checksums in the tagged go.sum would otherwise be refused, as those of
// modules that somebody has changed.
func TestTheSumsAreThoseThatGoFindsInTheTags(t *testing.T) {
	repository, release := commit(t), t.TempDir()
	if err := copyCommit(t.Context(), repository, release); err != nil {
		t.Fatal(err)
	}
	modules, err := lay(t.Context(), release, "v0.3.0")
	if err != nil {
		t.Fatal(err)
	}
	if err := copyWorkingTree(t.Context(), release, repository); err != nil {
		t.Fatal(err)
	}
	git(t, repository, "commit", "-qam", "Release v0.3.0")
	env := []string{
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + filepath.ToSlash(repository) + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + rootPath,
		"GOPROXY=direct", "GONOSUMDB=" + rootPath, "GOMODCACHE=" + t.TempDir(), "GOFLAGS=-modcacherw", "GOWORK=off", "GIT_ALLOW_PROTOCOL=https:file",
	}
	for _, m := range modules {
		git(t, repository, "tag", m.tag())
		printed, err := place{t.TempDir(), env}.run(t.Context(), "go", "mod", "download", "-json", m.path()+"@"+m.version)
		if err != nil {
			t.Fatal(err)
		}
		var found struct{ Sum, GoModSum string }
		if err := json.Unmarshal([]byte(printed), &found); err != nil {
			t.Fatal(err)
		}
		want := []string{m.path() + " v0.3.0 " + found.Sum, m.path() + " v0.3.0/go.mod " + found.GoModSum}
		if got, err := m.sums(); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
		there := place{filepath.Join(repository, filepath.FromSlash(m.folder)), append(env, "GOFLAGS=-mod=readonly -modcacherw")}
		if _, err := there.run(t.Context(), "go", "list", "-deps", "./..."); err != nil {
			t.Errorf("in a clone of the tag: %v", err)
		}
	}
}

func TestAReleaseIsItsModulesAndChangesTheirRequirementsOnly(t *testing.T) {
	release := lie(t, sample)
	modules, err := lay(t.Context(), release, "v0.3.0")
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, release, except("bench/go.mod", "bench/bench.go", "cmd/prismctl/lab/go.mod", "cmd/prismctl/lab/lab.go")...)
	for name, content := range sample {
		now, err := os.ReadFile(filepath.Join(release, filepath.FromSlash(name)))
		folder := path.Dir(name)
		pinned := slices.Contains(released[1:], folder) && slices.Contains([]string{"go.mod", "go.sum"}, path.Base(name))
		if err == nil && (string(now) == content) == pinned {
			t.Errorf("%s was %q and is %q", name, content, now)
		}
	}
	var tags []string
	for _, m := range modules {
		tags = append(tags, m.tag())
	}
	if want := []string{"v0.3.0", "platform/jetstream/v0.3.0", "cmd/prismctl/v0.3.0", "contrib/otel/v0.3.0", "contrib/watermill/v0.3.0"}; !slices.Equal(tags, want) {
		t.Errorf("the tags are %q, want %q", tags, want)
	}
	if text := instructions("DIR", modules); !strings.Contains(text, "git push --atomic origin "+strings.Join(tags, " ")+"\n") {
		t.Errorf("the instructions push other tags:\n%s", text)
	}
}

func TestAModuleHasNoNestedOneAndTheLicenceOfTheRepository(t *testing.T) {
	dir := lie(t, sample)
	for folder, want := range map[string][]string{
		"":                   {".gitignore", ".hidden", "LICENSE", "docs/cr.txt", "go.mod", "go.sum", "go.work", "platform/p.go", "prism.go", "sign/sign.go"},
		"platform/jetstream": {"LICENSE", "go.mod", "go.sum", "jetstream.go"},
		"cmd/prismctl":       {"LICENSE", "go.mod", "go.sum", "main.go"},
	} {
		m, err := moduleIn(dir, folder, "v0.3.0")
		if err != nil || !slices.Equal(names(m), want) {
			t.Errorf("%q has %q, %v; want %q", folder, names(m), err, want)
		}
		license, err := os.ReadFile(m.files[slices.Index(want, "LICENSE")].path)
		if own := folder == "cmd/prismctl"; err != nil || (string(license) == "its own\n") != own {
			t.Errorf("%q has the licence %q, %v", folder, license, err)
		}
	}
}

func TestVendoredPackagesAreRefused(t *testing.T) {
	dir := lie(t, map[string]string{"go.mod": "module x\n", "sub/vendor/y/y.go": "package y\n"})
	if _, err := moduleIn(dir, "", "v0.3.0"); err == nil || !strings.Contains(err.Error(), "sub/vendor/y/y.go") {
		t.Errorf("got %v", err)
	}
}
