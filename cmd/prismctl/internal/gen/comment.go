package gen

import (
	"fmt"
	"go/build/constraint"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopex/prism-go/apijson"
)

// comment makes any text lines of a comment: they end where the text does, and mean
// nothing to a compiler.
func comment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(lines(text)) {
		line = strings.TrimRight(clean(line), " \t")
		switch {
		case line == "":
			b.WriteString("//\n")
		case constraint.IsPlusBuild("// " + line):
			b.WriteString("// (" + strings.TrimLeft(line, " \t") + ")\n")
		default:
			b.WriteString("// " + line + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// lines ends each line of a text as Go does, wherever it was written.
func lines(text string) string {
	return strings.TrimRight(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n \t")
}

// clean leaves out what nobody sees.
func clean(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, line)
}

// oneLine is a text within a line of a comment.
func oneLine(text string) string {
	return strings.Join(strings.Fields(clean(strings.Join(strings.Fields(text), " "))), " ")
}

// sentence is what a summary adds behind a name: nothing, or the summary in one line.
func sentence(summary string) string {
	if text := oneLine(summary); text != "" {
		return ": " + strings.TrimRight(text, ".。")
	}
	return ""
}

func quote(s string) string { return strconv.Quote(s) }

// Doc is the comment of a method.
func (m *method) Doc() string {
	parts := []string{m.Name + " calls " + oneLine(m.ID) + sentence(m.Summary) + "."}
	if notes := lines(m.Notes); strings.TrimSpace(notes) != "" {
		parts = append(parts, notes)
	}
	if m.RequireOAuth {
		parts = append(parts, "It needs a user: see [Client.WithToken].")
	}
	if l := m.Limit; l != (apijson.Limit{}) {
		parts = append(parts, fmt.Sprintf("Unless the platform says otherwise, a key may call it %d times in %d s.", l.Count, l.Per/time.Second))
	}
	if text := m.errors(); text != "" {
		parts = append(parts, text)
	}
	if text := m.answer(); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n\n")
}

// Choices are the methods of HTTP in words.
func (m *method) Choices() string {
	last := len(m.HTTP) - 1
	return strings.Join(m.HTTP[:last], ", ") + " or " + m.HTTP[last]
}

func (m *method) errors() string {
	if len(m.Exceptions) == 0 {
		return ""
	}
	text := "Errors are:\n"
	for _, e := range m.Exceptions {
		text += "\n  - " + oneLine(fmt.Sprintf("%s (HTTP %d)", e.Code, e.Status)) + sentence(e.Message)
	}
	return text
}

// An answer that is longer is not shown.
const longestAnswer = 2 << 10

func (m *method) answer() string {
	response := lines(m.Response)
	if strings.TrimSpace(response) == "" || len(response) > longestAnswer {
		return ""
	}
	text := "An answer:\n"
	for line := range strings.Lines(response) {
		text += "\n    " + strings.TrimRight(line, "\n")
	}
	return text
}

// Doc is the comment of a field.
func (f field) Doc() string {
	text := f.Name + " is " + oneLine(f.Parameter.Name)
	if f.Called() != "" {
		text += ", of type " + oneLine(f.Called())
	}
	text += sentence(f.Description) + "."
	switch {
	case f.InPath:
		text += " It stands in the path, and must not be empty."
	case f.Required:
		text += " It is required."
	}
	return text
}
