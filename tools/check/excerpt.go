package main

import (
	"fmt"
	"regexp"
	"strings"
)

// Of the lines that a test prints, so many are kept of the begin, as many of the
// end, and as many of each goroutine.
const excerptLines = 100

// An excerpt is what is worth reading of what a test has printed: begin and end,
// and of a dump of goroutines those that run a test. A nil one is empty.
type excerpt struct {
	head, tail []string
	left       int // lines that are in neither

	goroutine []string // the one that is being printed, if any
	others    int      // goroutines that run no test
}

var (
	goroutineHeader = regexp.MustCompile(`^goroutine \d+ .*\[`)
	runsATest       = regexp.MustCompile(`\.Test\w+(\.|\()`)
)

// add takes one line.
func (x *excerpt) add(line string) {
	switch {
	case goroutineHeader.MatchString(line):
		x.endGoroutine()
		x.goroutine = []string{line}
	case x.goroutine == nil:
		x.keep(line)
	case line == "\n":
		x.endGoroutine()
	case len(x.goroutine) < excerptLines:
		x.goroutine = append(x.goroutine, line)
	}
}

func (x *excerpt) endGoroutine() {
	if runsATest.MatchString(strings.Join(x.goroutine, "")) {
		for _, line := range append(x.goroutine, "\n") {
			x.keep(line)
		}
	} else if x.goroutine != nil {
		x.others++
	}
	x.goroutine = nil
}

func (x *excerpt) keep(line string) {
	if len(x.head) < excerptLines {
		x.head = append(x.head, line)
		return
	}
	if len(x.tail) == excerptLines {
		x.tail = x.tail[1:]
		x.left++
	}
	x.tail = append(x.tail, line)
}

func (x *excerpt) String() string {
	if x == nil {
		return ""
	}
	x.endGoroutine()
	text := strings.Join(x.head, "")
	if x.left > 0 {
		text += fmt.Sprintf("(%d lines left out)\n", x.left)
	}
	text += strings.Join(x.tail, "")
	if x.others > 0 {
		text += fmt.Sprintf("(and %d goroutines that run no test)\n", x.others)
	}
	return text
}
