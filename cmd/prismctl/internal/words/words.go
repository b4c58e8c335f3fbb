// Package words has what the sentences of prismctl are made of.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Plain is the text of an error without the names of packages in front of what they say.
func Plain(err error) string {
	text := err.Error()
	for _, name := range []string{"prism: ", "notify: ", "oauth: ", "admin: ", "socket: "} {
		text = strings.ReplaceAll(strings.TrimPrefix(text, name), ": "+name, ": ")
	}
	return text
}

// Counted is a number with its noun.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Shown returns s, quoted if it is empty or has what cannot be printed.
func Shown(s string) string {
	if s == "" || strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) >= 0 || !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	return s
}

// Queue is a topic for people.
func Queue(topic string) string {
	if topic == "" {
		return "the default queue"
	}
	return "queue " + Shown(topic)
}

// Quoted returns s as a word of a shell.
func Quoted(s string) string {
	plain := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/@%+=", r)
	}
	if s != "" && strings.IndexFunc(s, plain) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
