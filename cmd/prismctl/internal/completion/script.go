package completion

import (
	"embed"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

//go:embed scripts
var scripts embed.FS

var scriptOf = map[string]string{"bash": "prismctl.bash", "zsh": "prismctl.zsh", "fish": "prismctl.fish", "powershell": "prismctl.ps1"}

// Shells are the names of the shells that have a script.
func Shells() []string { return slices.Sorted(maps.Keys(scriptOf)) }

// Script returns what a shell is to read, or nil for one that is not known.
func Script(shell string) []byte {
	name, known := scriptOf[shell]
	if !known {
		return nil
	}
	text, _ := scripts.ReadFile("scripts/" + name) // it is there
	return text
}

// filesFollow is the line that tells a script to complete names of files.
const filesFollow = ":files"

// mostCandidates is more than anybody reads.
const mostCandidates = 1000

// Write writes an answer as the script of a shell reads it: one candidate a line, for zsh,
// fish and PowerShell with a tab and the help behind it. last is the word that is completed.
func (a Answer) Write(w io.Writer, shell, last string) error {
	var b strings.Builder
	if a.Files && len(a.Candidates) == 0 {
		b.WriteString(filesFollow + "\n")
	}
	for _, c := range a.Candidates[:min(len(a.Candidates), mostCandidates)] {
		word, help := c.Word, firstSentence(c.Help)
		if strings.ContainsFunc(word, unprintable) {
			continue
		}
		switch shell {
		case "bash":
			word = forBash(word, last)
			// Within quotes bash puts the word as it is: its own quotes would end them, and
			// the shell would run what a platform calls a queue.
			if quoted := words.Quoted(word); !a.InQuotes || quoted == word {
				b.WriteString(quoted + "\n")
			}
		default:
			b.WriteString(word + "\t" + help + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// forBash is a word without what stands before the last = or : of what is typed, as bash
// takes these for ends of words.
func forBash(word, last string) string {
	if cut := strings.LastIndexAny(last, "=:"); cut >= 0 && strings.HasPrefix(word, last[:cut+1]) {
		word = word[cut+1:]
	}
	return word
}

func firstSentence(help string) string {
	first, _, _ := strings.Cut(strings.Join(strings.Fields(help), " "), ". ")
	return strings.TrimSuffix(first, ".")
}

func unprintable(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 || r == '\uFFFD' }
