package prismtest

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// A loginForm is the form of a page that asks for a password.
type loginForm struct {
	action          string      // as in the page; "" is the page itself
	kept            [][2]string // names and values of the other fields
	login, password string      // names of the fields for these
}

// filled returns the form as a browser sends it after the user has filled it in.
func (f *loginForm) filled(login, password string) url.Values {
	values := url.Values{f.login: {login}, f.password: {password}}
	for _, field := range f.kept {
		values.Add(field[0], field[1])
	}
	return values
}

var (
	// hidden is what a page has and does not show, where tags mean nothing.
	hidden = regexp.MustCompile(`(?is)<!--.*?-->|<script\b.*?</script\s*>|<style\b.*?</style\s*>|<template\b.*?</template\s*>`)
	tags   = regexp.MustCompile(`(?is)<(/?form|input)\b((?:[^>"']|"[^"]*"|'[^']*')*)>`)
	attrs  = regexp.MustCompile(`(?s)([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?`)
)

// findLoginForm returns the first form of a page that has a password field,
// else nil.
func findLoginForm(page string) *loginForm {
	form := &loginForm{} // for fields outside of any
	for _, tag := range tags.FindAllStringSubmatch(hidden.ReplaceAllString(page, ""), -1) {
		attr := attributes(tag[2])
		switch name := strings.ToLower(tag[1]); {
		case name == "input":
			form.add(attr)
		case form.password != "":
			return form
		default:
			form = &loginForm{action: attr["action"]}
		}
	}
	if form.password == "" {
		return nil
	}
	return form
}

// add adds an input to the form.
func (f *loginForm) add(attr map[string]string) {
	kind := strings.ToLower(attr["type"])
	_, checked := attr["checked"]
	switch {
	case attr["name"] == "":
	case kind == "password":
		f.password = attr["name"]
	case kind == "hidden" || checked:
		f.kept = append(f.kept, [2]string{attr["name"], attr["value"]})
	case f.login == "" && (kind == "" || kind == "text" || kind == "email"):
		f.login = attr["name"]
	}
}

// attributes parses the attributes of a tag.
func attributes(text string) map[string]string {
	found := make(map[string]string)
	for _, a := range attrs.FindAllStringSubmatch(text, -1) {
		if name := strings.ToLower(a[1]); found[name] == "" {
			found[name] = html.UnescapeString(a[2] + a[3] + a[4])
		}
	}
	return found
}
