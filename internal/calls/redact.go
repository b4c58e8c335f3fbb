package calls

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Masked is what a record shows in place of a secret.
const Masked = "***"

// Compressed is what a record shows of a body in which nothing can be masked.
const Compressed = "(compressed)"

// Shown returns a copy of a record without what is secret in it: signatures, secrets,
// tokens, passwords, cookies. The copy belongs to the caller.
func (r *Record) Shown() *Record {
	m := newMask(r.SecretNames, r.Secrets)
	shown := *r
	shown.SecretNames, shown.Secrets = nil, nil
	shown.API, shown.UserAgent, shown.Message = m.text(r.API), m.text(r.UserAgent), m.text(r.Message)
	shown.Caller, shown.Backend = m.side(&r.Caller), m.side(&r.Backend)
	return &shown
}

// Listed returns a copy of a record as Shown does, without headers, queries and bodies.
func (r *Record) Listed() *Record {
	m := newMask(r.SecretNames, r.Secrets)
	listed := *r
	listed.SecretNames, listed.Secrets = nil, nil
	listed.API, listed.UserAgent, listed.Message = m.text(r.API), m.text(r.UserAgent), m.text(r.Message)
	path, _, _ := strings.Cut(r.Caller.URL, "?")
	listed.Caller, listed.Backend = Side{Method: r.Caller.Method, URL: m.url(path), Status: r.Caller.Status}, Side{}
	return &listed
}

// masked names what a request shows otherwise than it was sent.
func masked(sent, shown *Side) (names []string) {
	path, was, _ := strings.Cut(sent.URL, "?")
	now, is, _ := strings.Cut(shown.URL, "?")
	names = maskedPairs("query", was, is)
	if path != now {
		names = append(names, "path")
	}
	for name, values := range sent.Header {
		if !slices.Equal(values, shown.Header[name]) {
			names = append(names, "header "+name)
		}
	}
	slices.Sort(names)
	media, _, _ := strings.Cut(sent.Header.Get("Content-Type"), ";")
	switch {
	case bytes.Equal(sent.Body, shown.Body):
	case strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded"):
		names = append(names, maskedPairs("form", string(sent.Body), string(shown.Body))...)
	default:
		names = append(names, "body")
	}
	return names
}

// maskedPairs names the parameters of which the values differ.
func maskedPairs(of, sent, shown string) (names []string) {
	was, is := strings.Split(sent, "&"), strings.Split(shown, "&")
	if len(was) != len(is) {
		return []string{of}
	}
	for i, pair := range was {
		if pair == is[i] {
			continue
		}
		name, _, _ := strings.Cut(is[i], "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		names = append(names, of+" "+name)
	}
	return names
}

// A mask takes secrets out of texts.
type mask struct {
	names  []string // normal
	values []string
}

// shortSecret is the length below which a value is only masked where its name is secret:
// it could stand anywhere.
const shortSecret = 4

func newMask(names, values []string) *mask {
	m := &mask{}
	for _, name := range names {
		m.names = append(m.names, normal(name))
	}
	for _, value := range values {
		if len(value) < shortSecret {
			continue
		}
		quoted, _ := json.Marshal(value)
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), string(quoted[1 : len(quoted)-1]), base64.StdEncoding.EncodeToString([]byte(value))} {
			if !slices.Contains(m.values, form) {
				m.values = append(m.values, form)
			}
		}
	}
	slices.SortFunc(m.values, func(a, b string) int { return len(b) - len(a) })
	return m
}

func (m *mask) side(s *Side) Side {
	return Side{
		Method: s.Method, Status: s.Status,
		URL: m.url(s.URL), Header: m.header(s.Header), AnswerHeader: m.header(s.AnswerHeader),
		Body: m.body(s.Header, s.Body), AnswerBody: m.body(s.AnswerHeader, s.AnswerBody),
	}
}

// text masks the values that are secret wherever they stand.
func (m *mask) text(text string) string {
	for _, value := range m.values {
		text = strings.ReplaceAll(text, value, Masked)
	}
	return text
}

// normal returns a name as secret names are compared: PassWord, pass-word and pass_word are
// the same.
func normal(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		case c == '-' || c == '_' || c == '.' || c == ' ' || c == '[' || c == ']':
			return -1
		}
		return c
	}, name)
}

// What a name is that carries a secret, and what is part of such names.
var (
	secretWhole = []string{"sign", "sig", "pwd", "pass", "pin", "auth", "jwt", "otp", "ac"}
	secretParts = []string{"secret", "token", "password", "passwd", "passphrase", "signature", "apikey", "accesskey", "privatekey", "credential", "authorization", "cookie", "sessionid", "clientassertion", "codeverifier"}
)

// secret reports whether a parameter, a member or a header of this name carries a secret.
func (m *mask) secret(name string) bool {
	name = normal(name)
	return name != "" && (slices.Contains(m.names, name) || slices.Contains(secretWhole, name) ||
		slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(name, part) }))
}

// header masks the values of secret headers, and secrets in the addresses that others have.
func (m *mask) header(h http.Header) http.Header {
	if h == nil {
		return nil
	}
	shown := make(http.Header, len(h))
	for name, values := range h {
		for _, value := range values {
			switch {
			case m.secret(name):
				value = Masked
			case strings.ContainsAny(value, "?=@"):
				value = m.url(value)
			}
			shown[name] = append(shown[name], m.text(value))
		}
	}
	return shown
}

// url masks secrets in the query of an address, and the user in front of its host.
func (m *mask) url(address string) string {
	if at := strings.Index(address, "://"); at >= 0 {
		rest := address[at+3:]
		host := rest[:len(rest)-len(strings.TrimLeftFunc(rest, func(c rune) bool { return !strings.ContainsRune("/?#", c) }))]
		if user := strings.LastIndexByte(host, '@'); user >= 0 {
			address = address[:at+3] + Masked + rest[user:]
		}
	}
	if path, query, ok := strings.Cut(address, "?"); ok {
		address = path + "?" + m.form(query)
	}
	return m.text(address)
}

// form masks the values of secret parameters, and leaves everything else as it was sent.
func (m *mask) form(form string) string {
	pairs := strings.Split(form, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		if plain, err := url.QueryUnescape(name); err == nil && m.secret(plain) || err != nil && m.secret(name) {
			pairs[i] = name + "=" + Masked
			continue
		}
		plain, err := url.QueryUnescape(value)
		if err != nil || !strings.ContainsAny(plain, "{[") {
			continue
		}
		if shown := string(m.members([]byte(plain), maxNested)); shown != plain {
			pairs[i] = name + "=" + url.QueryEscape(shown)
		}
	}
	return m.text(strings.Join(pairs, "&"))
}

// maxNested is how deep JSON is looked at that is in strings of JSON.
const maxNested = 4

// body masks secrets in the beginning of a body.
func (m *mask) body(h http.Header, body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch media = strings.ToLower(strings.TrimSpace(media)); {
	case h.Get("Content-Encoding") != "" && !strings.EqualFold(h.Get("Content-Encoding"), "identity"):
		return []byte(Compressed)
	case media == "application/x-www-form-urlencoded":
		return []byte(m.form(string(body)))
	case strings.HasPrefix(media, "multipart/"):
		body = m.parts(body)
	case bytes.ContainsRune(body, '=') && !bytes.ContainsAny(body, " \n<{\""):
		return []byte(m.form(string(body))) // a form that is not called one
	}
	body = m.members(body, maxNested)
	body = m.elements(body)
	return []byte(m.text(string(body)))
}

// members masks the values of secret members in JSON, which may end anywhere, and in what
// only looks like it.
func (m *mask) members(text []byte, nested int) []byte {
	var out []byte
	done := 0 // what is before it is in out
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		end := stringEnd(text, i)
		name := unquoted(text[i:end])
		after := skipSpace(text, end)
		if after >= len(text) || text[after] != ':' {
			if inner := m.nestedIn(name, nested); inner != "" {
				out = append(append(out, text[done:i]...), inner...)
				done = end
			}
			i = end - 1
			continue
		}
		i = after
		if m.secret(name) {
			from := skipSpace(text, after+1)
			to := valueEnd(text, from)
			out = append(append(out, text[done:from]...), `"`+Masked+`"`...)
			done, i = to, max(i, to-1)
		}
	}
	return append(out, text[done:]...)
}

// nestedIn returns a string of JSON that is JSON itself, or a form, with its secrets
// masked, as it is quoted; it is empty if there are none.
func (m *mask) nestedIn(text string, nested int) string {
	if nested == 0 || !strings.ContainsAny(text, "{?=") {
		return ""
	}
	shown := text
	if strings.Contains(text, "{") {
		shown = string(m.members([]byte(text), nested-1))
	} else if strings.Contains(text, "=") && !strings.ContainsAny(text, " \n") {
		if path, query, ok := strings.Cut(text, "?"); ok {
			shown = path + "?" + m.form(query)
		} else {
			shown = m.form(text)
		}
	}
	if shown == text {
		return ""
	}
	quoted, _ := json.Marshal(shown)
	return string(quoted)
}

// stringEnd returns the end of the string that begins at from, with its quotes; the end of
// the text may be in it.
func stringEnd(text []byte, from int) int {
	for i := from + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func skipSpace(text []byte, from int) int {
	for from < len(text) && strings.IndexByte(" \t\r\n", text[from]) >= 0 {
		from++
	}
	return from
}

// valueEnd returns the end of the value that begins at from.
func valueEnd(text []byte, from int) int {
	depth := 0
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1 + depth // a bracket that closes something around the value is no part of it
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

func unquoted(quoted []byte) string {
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return strings.Trim(string(quoted), `"`)
	}
	return text
}

// elements masks the text in XML elements with secret names, and secret attributes.
func (m *mask) elements(text []byte) []byte {
	if !bytes.ContainsRune(text, '<') {
		return text
	}
	var out []byte
	done := 0
	for i := 0; i < len(text); i++ {
		if text[i] != '<' {
			continue
		}
		end := bytes.IndexByte(text[i:], '>')
		if end < 0 {
			break
		}
		tag := string(text[i+1 : i+end])
		name, _, _ := strings.Cut(strings.TrimSuffix(tag, "/"), " ")
		if _, local, ok := strings.Cut(name, ":"); ok {
			name = local
		}
		i += end
		if strings.HasPrefix(tag, "/") || strings.HasSuffix(tag, "/") || !m.secret(name) {
			continue
		}
		to := len(text)
		if closing := bytes.Index(text[i:], []byte("</")); closing >= 0 {
			to = i + closing
		}
		out = append(append(out, text[done:i+1]...), Masked...)
		done, i = to, to-1
	}
	return append(out, text[done:]...)
}

// parts masks the parts of a multipart form with secret names.
func (m *mask) parts(body []byte) []byte {
	line, _, _ := bytes.Cut(body, []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte("--")) {
		return body
	}
	parts := bytes.Split(body, line)
	for i, part := range parts {
		head, content, ok := bytes.Cut(part, []byte("\r\n\r\n"))
		if ok && m.secret(partName(string(head))) && len(content) > 0 {
			parts[i] = append(bytes.Clone(head), "\r\n\r\n"+Masked+"\r\n"...)
		}
	}
	return bytes.Join(parts, line)
}

// partName returns the name of a part, by its header.
func partName(head string) string {
	for line := range strings.SplitSeq(head, "\r\n") {
		if !strings.HasPrefix(strings.ToLower(line), "content-disposition:") {
			continue
		}
		for param := range strings.SplitSeq(line, ";") {
			if name, ok := strings.CutPrefix(strings.TrimSpace(param), "name="); ok {
				return strings.Trim(name, `"`)
			}
		}
	}
	return ""
}
