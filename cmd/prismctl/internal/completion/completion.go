// Package completion finds out how a command line of prismctl may go on, by the same model
// from which its help is made, and has the scripts by which shells ask for that.
package completion

import (
	"strings"

	"github.com/alecthomas/kong"
)

// A Candidate is a word that may come next.
type Candidate struct{ Word, Help string }

// An Answer is what may come next.
type Answer struct {
	Candidates []Candidate
	Files      bool   // names of files may come
	Names      string // names of this kind may come, such as "queue", which only a platform knows
	Flags      map[string]string
	InQuotes   bool   // what is typed of the word is in quotes that do not end
	Prefix     string // stands before each name in its word, as --profile= does
}

// Complete returns what the last of words may be, which is as far as it was typed. The
// words before it are taken as they are.
func Complete(app *kong.Application, words []string) Answer {
	if len(words) == 0 {
		words = []string{""}
	}
	w := walk{node: app.Node, flags: map[string]string{}}
	last := words[len(words)-1]
	for _, word := range words[:len(words)-1] {
		w.step(word)
	}
	return w.answer(last)
}

// A walk is a place in a command line.
type walk struct {
	node    *kong.Node
	flags   map[string]string // with their values
	pending *kong.Flag        // whose value is the next word
	args    int               // that were given to the command
	rest    bool              // no more flags: there was a --
}

// step goes on by one whole word.
func (w *walk) step(word string) {
	switch {
	case w.pending != nil:
		w.flags[w.pending.Name] = word
		w.pending = nil
	case w.rest:
		w.args++
	case word == "--":
		w.rest = true
	case strings.HasPrefix(word, "-") && word != "-":
		w.flag(word)
	default:
		if child := w.command(word); child != nil {
			w.node = child
		} else {
			w.args++
		}
	}
}

// flag notes a flag, and whether its value is still to come.
func (w *walk) flag(word string) {
	name, value, whole := strings.Cut(word, "=")
	f := w.find(name)
	switch {
	case f == nil:
	case whole:
		w.flags[f.Name] = value
	case !f.IsBool():
		w.pending = f
	}
}

// find returns the flag of a word such as --url or -n, or nil.
func (w *walk) find(word string) *kong.Flag {
	for _, group := range w.node.AllFlags(false) {
		for _, f := range group {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

// command returns the command of a name below the present one, or nil.
func (w *walk) command(name string) *kong.Node {
	for _, child := range w.node.Children {
		if child.Type == kong.CommandNode && child.Name == name {
			return child
		}
	}
	return nil
}

func (w *walk) answer(last string) Answer {
	name, value, whole := strings.Cut(last, "=")
	switch {
	case w.pending != nil:
		return w.values(w.pending.Value, "", last)
	case !w.rest && strings.HasPrefix(last, "--") && whole:
		if f := w.find(name); f != nil {
			return w.values(f.Value, name+"=", value)
		}
		return Answer{}
	case !w.rest && strings.HasPrefix(last, "-"):
		return Answer{Candidates: w.flagNames(last)}
	case len(w.node.Children) > 0 && w.args == 0:
		return Answer{Candidates: w.commands(last)}
	case w.args < len(w.node.Positional):
		return w.values(w.node.Positional[w.args], "", last)
	case len(w.node.Positional) > 0 && w.node.Positional[len(w.node.Positional)-1].IsSlice():
		return w.values(w.node.Positional[len(w.node.Positional)-1], "", last)
	}
	return Answer{}
}

func (w *walk) commands(part string) (all []Candidate) {
	for _, child := range w.node.Children {
		if !child.Hidden && child.Type == kong.CommandNode && strings.HasPrefix(child.Name, part) {
			all = append(all, Candidate{child.Name, child.Help})
		}
	}
	return all
}

// flagNames are the flags that were not given yet. One that may be given several times
// always may come.
func (w *walk) flagNames(part string) (all []Candidate) {
	for _, group := range w.node.AllFlags(true) {
		for _, f := range group {
			_, given := w.flags[f.Name]
			if strings.HasPrefix("--"+f.Name, part) && (!given || f.IsCumulative()) {
				all = append(all, Candidate{"--" + f.Name, strings.ReplaceAll(f.Help, "${default}", f.Default)})
			}
		}
	}
	return all
}

// values are what a flag or an argument may be, as its tags say: choices or enum has the
// words, names says that a platform or a file has them, and is="file" is the name of a file.
func (w *walk) values(v *kong.Value, prefix, part string) Answer {
	a := Answer{Flags: w.flags, Prefix: prefix, Names: v.Tag.Get("names"), Files: v.Tag.Get("is") == "file"}
	choices := v.Tag.Get("choices")
	if choices == "" {
		choices = v.Enum
	}
	for choice := range strings.SplitSeq(choices, ",") {
		if choice != "" && strings.HasPrefix(choice, part) {
			a.Candidates = append(a.Candidates, Candidate{Word: prefix + choice})
		}
	}
	return a
}
