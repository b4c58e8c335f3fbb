package main

import "github.com/shopex/prism-go/cmd/prismctl/internal/words"

// A screenTable has rows for a terminal of the usual width; the first has the names of
// the columns.
type screenTable [][]string

const (
	screenWidth = 80 // columns
	keyWidth    = 20
	leastKey    = 8
	leastLast   = 16
)

// fitLast gives the last column the room that the others have left of a line. Where they
// leave little, the column of keys gives it some.
func (s screenTable) fitLast(keys int) {
	last := len(s[0]) - 1
	room := screenWidth
	for column := range last {
		room -= s.width(column) + 2
	}
	if room < leastLast {
		key := s.width(keys)
		s.fit(keys, max(leastKey, key-(leastLast-room)))
		room += key - s.width(keys)
	}
	s.fit(last, max(leastLast, room))
}

func (s screenTable) width(column int) int {
	widest := 0
	for _, row := range s {
		widest = max(widest, words.Width(row[column]))
	}
	return widest
}

// fit cuts what is wider than width.
func (s screenTable) fit(column, width int) {
	for _, row := range s[1:] {
		row[column] = words.Fitting(row[column], width)
	}
}
