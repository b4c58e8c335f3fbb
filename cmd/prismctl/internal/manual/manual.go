// Package manual writes the manual pages of prismctl, by the model from which its help is
// made.
package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// Write writes the pages into a directory: one for the program and one for each command,
// such as prismctl-queue-drop.1. date is that of all pages, YYYY-MM-DD, and version that of
// the program.
func Write(dir string, app *kong.Application, version, date string) error {
	return write(dir, app, app.Node, version, date)
}

func write(dir string, app *kong.Application, node *kong.Node, version, date string) error {
	text := page(app, node, version, date)
	if err := os.WriteFile(filepath.Join(dir, name(node)+".1"), []byte(text), 0o644); err != nil {
		return err
	}
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		if err := write(dir, app, child, version, date); err != nil {
			return err
		}
	}
	return nil
}

// name is the name of the page of a command.
func name(node *kong.Node) string { return strings.ReplaceAll(node.FullPath(), " ", "-") }

// page is the page of a command, in the macros of man(7).
func page(app *kong.Application, node *kong.Node, version, date string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 %s %q\n", escaped(strings.ToUpper(name(node))), date, "prismctl "+version)
	help, detail := node.Help, node.Detail
	if node == app.Node {
		help, detail, _ = strings.Cut(node.Help, "\n")
	}
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escaped(name(node)), escaped(strings.TrimSuffix(help, ".")))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n%s", escaped(node.FullPath()), line(strings.TrimPrefix(node.Summary(), node.Path()+" ")))
	if detail != "" {
		b.WriteString(".SH DESCRIPTION\n")
		paragraphs(&b, detail)
	}
	commands(&b, node)
	arguments(&b, node)
	flags(&b, node)
	b.WriteString(".SH EXIT STATUS\n")
	b.WriteString(line("0 done, 1 the platform refused or the output could not be written, 2 wrong use, 3 the platform could not be reached, 4 timed out, 130 interrupted."))
	if node != app.Node {
		b.WriteString(".SH SEE ALSO\n.BR " + escaped(name(node.Parent)) + " (1)\n")
	}
	return b.String()
}

// commands lists the commands below a command.
func commands(b *strings.Builder, node *kong.Node) {
	begun := false
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		if !begun {
			b.WriteString(".SH COMMANDS\n")
			begun = true
		}
		fmt.Fprintf(b, ".TP\n.BR %s (1)\n%s", escaped(name(child)), line(child.Help))
	}
}

func arguments(b *strings.Builder, node *kong.Node) {
	if len(node.Positional) > 0 {
		b.WriteString(".SH ARGUMENTS\n")
	}
	for _, arg := range node.Positional {
		fmt.Fprintf(b, ".TP\n.I %s\n%s", escaped(arg.Summary()), line(arg.Help))
	}
}

func flags(b *strings.Builder, node *kong.Node) {
	b.WriteString(".SH OPTIONS\n")
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			b.WriteString(".TP\n.B " + escaped(f.String()) + "\n" + line(f.Help))
		}
	}
}

// paragraphs writes text as it is, what is indented as an example.
func paragraphs(b *strings.Builder, text string) {
	for i, part := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(part, "    ") {
			b.WriteString(".RS 4\n.nf\n")
			for l := range strings.SplitSeq(part, "\n") {
				b.WriteString(line(strings.TrimPrefix(l, "    ")))
			}
			b.WriteString(".fi\n.RE\n")
			continue
		}
		for l := range strings.SplitSeq(part, "\n") {
			b.WriteString(line(l))
		}
	}
}

// line is a line of text, which is never a macro. An empty one is left out.
func line(text string) string {
	text = escaped(strings.TrimRight(text, " "))
	switch {
	case text == "":
		return ""
	case text[0] == '.' || text[0] == '\'':
		text = `\&` + text
	}
	return text + "\n"
}

var replacer = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\t", "    ", "`", `\(ga`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`)

// escaped keeps the characters of a text from being taken for something else: a - is one
// that can be copied into a shell.
func escaped(text string) string { return replacer.Replace(text) }
