package readme

import (
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	root    = "../.."
	english = "README.md"
	chinese = "README.zh-CN.md"
)

// twins are the pages that are in both languages.
var twins = []struct{ english, chinese string }{
	{english, chinese},
	{"docs/delivery.md", "docs/delivery.zh-CN.md"},
}

// A block is code between fences.
type block struct {
	language, code string
}

// A document is what a page consists of.
type document struct {
	blocks []block
	shape  []string // what begins with a mark: headings, table rows, list items, blocks
	links  []string
	names  []string // code within the text: names, settings, commands
}

var (
	mark = regexp.MustCompile(`^(#+ |\| |- |\d+\. )`)
	link = regexp.MustCompile(`\]\(([^)]+)\)`)
	name = regexp.MustCompile("`([^`]+)`")
)

func read(t *testing.T, name string) document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	var d document
	inside := false
	for line := range strings.Lines(string(text)) {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && inside:
			inside = false
		case isFence:
			inside = true
			d.blocks = append(d.blocks, block{language: fence})
			d.shape = append(d.shape, "``` "+fence)
		case inside:
			d.blocks[len(d.blocks)-1].code += line
		default:
			d.readText(line)
		}
	}
	if inside {
		t.Errorf("%s: the last block has no end", name)
	}
	return d
}

func (d *document) readText(line string) {
	if m := mark.FindString(line); m != "" {
		d.shape = append(d.shape, m)
	}
	for _, m := range link.FindAllStringSubmatch(line, -1) {
		d.links = append(d.links, m[1])
	}
	for _, m := range name.FindAllStringSubmatch(line, -1) {
		d.names = append(d.names, m[1])
	}
}

// bare is the code without comments, which may be in either language.
func (b block) bare() string {
	if b.language != "go" {
		return strings.TrimSpace(shellComment.ReplaceAllString(b.code, ""))
	}
	var s scanner.Scanner
	src := []byte(b.code)
	s.Init(token.NewFileSet().AddFile("", -1, len(src)), src, nil, 0)
	var tokens []string
	for {
		switch _, tok, literal := s.Scan(); {
		case tok == token.EOF:
			return strings.Join(tokens, " ")
		case tok.IsLiteral():
			tokens = append(tokens, literal)
		default:
			tokens = append(tokens, tok.String())
		}
	}
}

var shellComment = regexp.MustCompile(`(?m)(^|\s+)#.*$`)

func TestBothLanguagesShowTheSameCode(t *testing.T) {
	for _, twin := range twins {
		ours, theirs := read(t, twin.english).blocks, read(t, twin.chinese).blocks
		if len(ours) != len(theirs) {
			t.Errorf("%d blocks in %s, %d in %s", len(ours), twin.english, len(theirs), twin.chinese)
			continue
		}
		for i := range ours {
			if a, b := ours[i].bare(), theirs[i].bare(); ours[i].language != theirs[i].language || a != b {
				t.Errorf("block %d of %s differs:\n%s\n\n%s", i+1, twin.chinese, a, b)
			}
		}
	}
}

func TestBothLanguagesHaveTheSameChaptersTablesAndLists(t *testing.T) {
	for _, twin := range twins {
		ours, theirs := read(t, twin.english).shape, read(t, twin.chinese).shape
		for i := range min(len(ours), len(theirs)) {
			if ours[i] != theirs[i] {
				t.Errorf("mark %d is %q in %s and %q in %s", i+1, ours[i], twin.english, theirs[i], twin.chinese)
				break
			}
		}
		if len(ours) != len(theirs) {
			t.Errorf("%d marks in %s, %d in %s", len(ours), twin.english, len(theirs), twin.chinese)
		}
	}
}

func TestBothLanguagesNameTheSameThings(t *testing.T) {
	for _, twin := range twins {
		ours, theirs := read(t, twin.english).names, read(t, twin.chinese).names
		for _, name := range ours {
			if !slices.Contains(theirs, name) {
				t.Errorf("%s does not have %q", twin.chinese, name)
			}
		}
		for _, name := range theirs {
			if !slices.Contains(ours, name) {
				t.Errorf("%s does not have %q", twin.english, name)
			}
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, to := range read(t, page).links {
			file, anchor, _ := strings.Cut(to, "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := page
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(t, target), anchor) {
				t.Errorf("%s: there is no chapter #%s in %s", page, anchor, target)
			}
		}
	}
}

// pages are all that a reader of the repository is sent to.
func pages(t *testing.T) []string {
	t.Helper()
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(documents) < 5 {
		t.Fatalf("documents %q, %v", documents, err)
	}
	all := []string{english, chinese, "CHANGELOG.md", "DESIGN.md"}
	for _, name := range documents {
		all = append(all, "docs/"+filepath.Base(name))
	}
	return all
}

// anchors are the names that a page's headings have in links.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(text), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

func TestTheCommandOfTheTestsIsTheSameEverywhere(t *testing.T) {
	const command = "go run ./tools/check\n"
	for _, name := range []string{english, chinese, "Makefile", ".ci/run"} {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), command) {
			t.Errorf("%s does not name %q", name, command)
		}
	}
}
