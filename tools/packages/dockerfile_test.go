package main

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const root = "../.."

// dockerfile returns its stages, and the arguments before the first of them.
func dockerfile(t *testing.T) ([]instructions.Stage, []instructions.ArgCommand) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	warn := func(rule, _, _, message string, _ []parser.Range) { t.Errorf("%s: %s", rule, message) }
	stages, args, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: warn}))
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range parsed.Warnings {
		t.Error(warning.Short)
	}
	if len(stages) != 2 {
		t.Fatalf("%d stages", len(stages))
	}
	return stages, args
}

// of returns the commands of a kind in a stage.
func of[C instructions.Command](stage instructions.Stage) (found []C) {
	for _, command := range stage.Commands {
		if c, ok := command.(C); ok {
			found = append(found, c)
		}
	}
	return found
}

// defaults are the arguments with their values.
func defaults(commands []instructions.ArgCommand) map[string]string {
	values := map[string]string{}
	for _, c := range commands {
		for _, arg := range c.Args {
			if arg.Value != nil {
				values[arg.Key] = *arg.Value
			}
		}
	}
	return values
}

func TestTheImagesAndTheModuleProxyAreArguments(t *testing.T) {
	stages, args := dockerfile(t)
	images := defaults(args)
	if images["BUILD_IMAGE"] != "golang:1.26" || images["BASE_IMAGE"] != "scratch" {
		t.Errorf("the images are %v", images)
	}
	if stages[0].BaseName != "${BUILD_IMAGE}" || stages[1].BaseName != "${BASE_IMAGE}" {
		t.Errorf("the stages are on %s and %s", stages[0].BaseName, stages[1].BaseName)
	}
	var build []instructions.ArgCommand
	for _, c := range of[*instructions.ArgCommand](stages[0]) {
		build = append(build, *c)
	}
	if got := defaults(build); got["GOPROXY"] != "https://proxy.golang.org,direct" || got["GOSUMDB"] != "sum.golang.org" {
		t.Errorf("modules are from %v", got)
	}
}

func TestTheContainerIsNotRootAndTellsItsHealth(t *testing.T) {
	stages, _ := dockerfile(t)
	last := stages[1]
	users := of[*instructions.UserCommand](last)
	if len(users) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(users[0].User) {
		t.Fatalf("users %v: a supervisor that refuses root needs numbers", users)
	}
	check := of[*instructions.HealthCheckCommand](last)
	if len(check) != 1 || !slices.Equal(check[0].Health.Test, []string{"CMD", "/prismctl", "health"}) || check[0].Health.StartPeriod == 0 {
		t.Errorf("health: %+v", check)
	}
	if entry := of[*instructions.EntrypointCommand](last); len(entry) != 1 || entry[0].PrependShell {
		t.Errorf("an image without a shell begins with %v", entry)
	}
	volumes := of[*instructions.VolumeCommand](last)
	if len(volumes) != 1 || !slices.Equal(volumes[0].Volumes, []string{"/data"}) {
		t.Fatalf("volumes %v", volumes)
	}
	if !slices.ContainsFunc(of[*instructions.CopyCommand](last), func(c *instructions.CopyCommand) bool {
		return c.DestPath == "/data" && c.Chown == users[0].User
	}) {
		t.Errorf("the volume is not of the user %s", users[0].User)
	}
	environment := map[string]string{}
	for _, c := range of[*instructions.EnvCommand](last) {
		for _, pair := range c.Env {
			environment[pair.Key] = pair.Value
		}
	}
	if environment["PRISM_DATA"] != "/data" || environment["PRISM_ADMIN_LISTEN"] != ":9090" {
		t.Errorf("the environment is %v", environment)
	}
	if len(of[*instructions.RunCommand](last)) > 0 {
		t.Error("an image without a shell runs nothing while it is built")
	}
}

// The first layer has the modules that prismctl is made of, and no more: their versions
// can be found out with these files alone.
func TestTheFirstLayerHasTheModulesOfPrismctl(t *testing.T) {
	stages, _ := dockerfile(t)
	src := t.TempDir()
	for _, c := range of[*instructions.CopyCommand](stages[0]) {
		if slices.Contains(c.SourcePaths, ".") {
			break
		}
		for _, name := range c.SourcePaths {
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(src, filepath.FromSlash(c.DestPath), path.Base(name))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	modules := func(dir string) string {
		cmd := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "all")
		cmd.Dir, cmd.Env = filepath.Join(dir, "cmd", "prismctl"), append(os.Environ(), "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if got, want := modules(src), modules(root); got != want || !strings.Contains(got, "nats-server") {
		t.Errorf("there are\n%s\nwant\n%s", got, want)
	}
}
