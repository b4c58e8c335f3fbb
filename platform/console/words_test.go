package console

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// verbs are what a phrase has in place of its arguments.
var verbs = regexp.MustCompile(`%(\[\d\])?[a-z]`)

func TestEveryPhraseIsInBothLanguages(t *testing.T) {
	for id, p := range phrases {
		if p[0] == "" || p[1] == "" {
			t.Errorf("%s is not in both languages: %q", id, p)
		}
		if a, b := verbs.FindAllString(p[0], -1), verbs.FindAllString(p[1], -1); len(a) != len(b) {
			t.Errorf("%s has other arguments in Chinese: %v and %v", id, a, b)
		}
	}
}

// TestEveryWordOfAPageIsAPhrase finds words in templates that would be the same in every
// language, and phrases that are not there.
func TestEveryWordOfAPageIsAPhrase(t *testing.T) {
	files, _ := filepath.Glob("pages/*.html")
	used := regexp.MustCompile(`\.T "([^"]+)"`)
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tag := regexp.MustCompile(`(?s)<[^>]*>`)
	word := regexp.MustCompile(`\p{L}{2,}`)
	same := map[string]bool{"Prism": true, "API": true, "SDK": true, "JSON": true, "nbsp": true, "middot": true, "ms": true, "curl": true, "Go": true, "PHP": true, "prismctl": true, "HTTP": true}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range used.FindAllStringSubmatch(string(text), -1) {
			if _, ok := phrases[m[1]]; !ok {
				t.Errorf("%s uses the phrase %s, which there is not", file, m[1])
			}
		}
		rest := tag.ReplaceAllString(action.ReplaceAllString(string(text), " "), " ")
		for _, w := range word.FindAllString(rest, -1) {
			if !same[w] {
				t.Errorf("%s has the word %q, which is no phrase", file, w)
			}
		}
	}
}
