//go:build unix

package main

import (
	"os"
	"os/exec"
	"testing"
)

// What a test types into each shell, and what comes of it: a command, and a flag.
var shellTests = map[string][]string{
	"bash": {"--norc", "-c", `eval "$(prismctl completion bash)" || exit
complete -p prismctl >/dev/null || exit
for COMP_LINE in "prismctl queue dr" "prismctl queue list --output=j" "prismctl api check $DIR/pris"; do
	COMP_POINT=${#COMP_LINE} COMP_WORDS=($COMP_LINE) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_prismctl 2>/dev/null
	echo "${COMPREPLY[*]}"
done`},
	"zsh": {"-f", "-c", `eval "$(prismctl completion zsh)" || exit
[[ $_comps[prismctl] == _prismctl ]] || exit
compadd() { print -r -- "${found[*]}" }
_files() { print }
words=(prismctl queue dr) CURRENT=3 PREFIX=dr _prismctl
words=(prismctl queue list --output=j) CURRENT=4 PREFIX=--output=j _prismctl
words=(prismctl api check $DIR/pris) CURRENT=4 PREFIX=$DIR/pris _prismctl`},
	"fish": {"--no-config", "-c", `prismctl completion fish | source
complete -C "prismctl queue dr" | string replace -r '\t.*' ''
complete -C "prismctl queue list --output=j" | string replace -r '\t.*' ''
test (complete -C "prismctl api check $DIR/pris") = "$DIR/prismctl" && echo`},
	"pwsh": {"-NoProfile", "-NonInteractive", "-Command", `prismctl completion powershell | Out-String | Invoke-Expression
foreach ($line in 'prismctl queue dr', 'prismctl queue list --output=j') {
	(TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches.CompletionText
}
''`},
}

func TestEachShellCompletes(t *testing.T) {
	dir := programIn(t)
	for shell, args := range shellTests {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("NOT RUN: there is no %s", shell)
			}
			cmd := exec.CommandContext(t.Context(), path, args...)
			cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "DIR=" + dir, "LC_ALL=C.UTF-8", "TERM=dumb"}
			out, err := cmd.CombinedOutput()
			want := "drop\njson\n\n"
			if shell != "bash" { // which takes the part behind = for a word
				want = "drop\n--output=json\n\n"
			}
			if err != nil || string(out) != want {
				t.Errorf("%v, %q, want %q", err, out, want)
			}
		})
	}
}
