package apijson

import (
	"bytes"
)

// IsList reports whether a file is a list of files, as api.txt is: its first line is
// "#apilist".
func IsList(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return string(bytes.TrimSpace(first)) == "#apilist"
}
