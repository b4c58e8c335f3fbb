package apijson

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
)

const (
	mostListed   = 1_000     // files in a list
	longestList  = 256 << 10 // bytes
	longestEntry = 2_048     // bytes of an address
)

// IsList reports whether a file is a list of files, as api.txt is: its first line is
// "#apilist".
func IsList(text []byte) bool {
	first, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\n"))
	return string(bytes.TrimSpace(first)) == "#apilist"
}

// ParseList reads a list of files, as api.txt is, which is at base: an address a line,
// relative to base, as an absolute path of its site, or whole. Lines that begin with // or
// # are comments. The addresses are whole, each once, and of HTTP, or of the scheme of
// base if that is another one. A list may have 256 KiB and 1,000 addresses; the error is
// [Faults].
func ParseList(text []byte, base *url.URL) ([]*url.URL, error) {
	if len(text) > longestList {
		return nil, Faults{{1, 1, fmt.Sprintf("the list has %d bytes, and may have %d", len(text), longestList)}}
	}
	if !IsList(text) {
		return nil, Faults{{1, 1, "this is no list of files: write #apilist in its first line"}}
	}
	var all []*url.URL
	var faults Faults
	seen := map[string]bool{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		entry := strings.TrimSpace(line)
		if number == 1 || entry == "" || strings.HasPrefix(entry, "//") || strings.HasPrefix(entry, "#") {
			continue
		}
		fault := func(text string) { faults = append(faults, Fault{number, 1 + strings.Index(line, entry), text}) }
		u, wrong := listed(entry, base)
		switch {
		case wrong != "":
			fault(wrong)
		case seen[u.String()]:
		case len(all) == mostListed:
			fault(fmt.Sprintf("the list has more than %d files: divide it", mostListed))
		default:
			seen[u.String()] = true
			all = append(all, u)
		}
		if len(all) == mostListed && len(faults) > 0 || len(faults) == mostFaults {
			break
		}
	}
	if faults != nil {
		return nil, faults
	}
	return all, nil
}

// listed returns the address of an entry of a list at base, or what is wrong with it.
func listed(entry string, base *url.URL) (u *url.URL, wrong string) {
	if len(entry) > longestEntry {
		return nil, fmt.Sprintf("the address has %d bytes, and may have %d", len(entry), longestEntry)
	}
	u, err := base.Parse(entry)
	if err != nil {
		return nil, "this is no address: write a path, or a URL such as https://shop.example.com/api.json"
	}
	switch {
	case u.User != nil:
		return nil, "the address has a user or a password: leave them out"
	case u.Scheme != base.Scheme && u.Scheme != "http" && u.Scheme != "https":
		return nil, "the address is none of HTTP: write a path, or a URL such as https://shop.example.com/api.json"
	case (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() == "":
		return nil, "the address has no host: write a path, or a URL such as https://shop.example.com/api.json"
	}
	u.Fragment, u.RawFragment = "", ""
	return u, ""
}
