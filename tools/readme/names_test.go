package readme

import (
	"regexp"
	"strings"
	"testing"
)

var testNamed = regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]\w*$`)

// A rule names the test that fails without it, and the file that keeps it.
func TestFilesAndTestsThatADocumentNamesExist(t *testing.T) {
	files := goFiles(t)
	functions := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			for _, m := range regexp.MustCompile(`(?m)^func (\w+)\(`).FindAllStringSubmatch(page(t, file), -1) {
				functions[m[1]] = true
			}
		}
	}
	all, named := "/"+strings.Join(files, "\n/")+"\n", 0
	for _, document := range pages(t) {
		for _, name := range read(t, document).names {
			switch {
			case testNamed.MatchString(name):
				if named++; !functions[name] {
					t.Errorf("%s: there is no test %s", document, name)
				}
			case strings.HasSuffix(name, ".go") && !strings.Contains(name, " "):
				if !strings.Contains(all, "/"+name+"\n") {
					t.Errorf("%s: there is no file %s", document, name)
				}
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d tests are named", named)
	}
}
