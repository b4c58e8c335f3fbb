package sent

import (
	"encoding/base64"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// A command is what a command line of curl says.
type command struct {
	method, url string
	header      http.Header
	data, query []string
	json        bool
	get         bool
	fields      []field
}

// A field is one of -F.
type field struct{ name, value, file string }

// readCurl reads a command line of curl, in the quoting of a POSIX shell or of Windows.
func readCurl(text string) (Request, error) {
	words, err := split(text)
	if err != nil {
		return Request{}, err
	}
	for len(words) > 0 && words[0] == "$" {
		words = words[1:]
	}
	return Curl(words[1:])
}

// Curl reads the arguments of curl. It reads the files that they name, as curl would.
func Curl(args []string) (Request, error) {
	c := command{header: http.Header{}}
	if err := c.parse(args); err != nil {
		return Request{}, err
	}
	return c.request()
}

// options has what each option does with its value. Those without a value are in flags.
var options = map[string]func(*command, string) error{
	"--request":        func(c *command, v string) error { c.method = v; return nil },
	"--url":            func(c *command, v string) error { c.url = v; return nil },
	"--header":         (*command).addHeader,
	"--data":           func(c *command, v string) error { return c.addData(v, true, true) },
	"--data-ascii":     func(c *command, v string) error { return c.addData(v, true, true) },
	"--data-binary":    func(c *command, v string) error { return c.addData(v, true, false) },
	"--data-raw":       func(c *command, v string) error { return c.addData(v, false, false) },
	"--data-urlencode": (*command).addEncoded,
	"--json":           func(c *command, v string) error { c.json = true; return c.addData(v, true, false) },
	"--form":           func(c *command, v string) error { return c.addField(v, true) },
	"--form-string":    func(c *command, v string) error { return c.addField(v, false) },
	"--user":           (*command).setUser,
	"--oauth2-bearer":  func(c *command, v string) error { return c.addHeader("Authorization: Bearer " + v) },
	"--user-agent":     func(c *command, v string) error { return c.addHeader("User-Agent: " + v) },
	"--referer":        func(c *command, v string) error { return c.addHeader("Referer: " + v) },
	"--cookie":         func(c *command, v string) error { return c.addHeader("Cookie: " + v) },
	"--upload-file":    (*command).upload,
	"--url-query":      (*command).addQuery,
	"--request-target": func(c *command, v string) error { return errors.New("curl's --request-target is not known here") },
	"--config": func(c *command, v string) error {
		return errors.New("curl's --config is not known here: write out its options")
	},
	"--output": ignored, "--max-time": ignored, "--connect-timeout": ignored, "--proxy": ignored, "--cacert": ignored, "--cert": ignored,
	"--key": ignored, "--cookie-jar": ignored, "--write-out": ignored, "--retry": ignored, "--resolve": ignored, "--range": ignored,
	"--max-redirs": ignored, "--limit-rate": ignored, "--interface": ignored, "--dump-header": ignored, "--stderr": ignored, "--trace": ignored,
	"--trace-ascii": ignored, "--ciphers": ignored, "--connect-to": ignored, "--retry-delay": ignored, "--retry-max-time": ignored,
	"--proxy-user": ignored, "--noproxy": ignored, "--unix-socket": ignored, "--keepalive-time": ignored, "--capath": ignored, "--pass": ignored,
}

// short are the options of one letter.
var short = map[byte]string{
	'X': "--request", 'H': "--header", 'd': "--data", 'F': "--form", 'u': "--user", 'A': "--user-agent", 'e': "--referer", 'b': "--cookie",
	'T': "--upload-file", 'o': "--output", 'm': "--max-time", 'x': "--proxy", 'E': "--cert", 'c': "--cookie-jar", 'w': "--write-out",
	'r': "--range", 'D': "--dump-header", 'K': "--config", 'U': "--proxy-user", 'Y': "--limit-rate", 'y': "--limit-rate", 'z': "--max-time", 'C': "--range", 'Q': "--range", 'P': "--interface", 't': "--range", 'h': "--output",
}

func ignored(*command, string) error { return nil }

func (c *command) parse(words []string) error {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "--":
			continue
		case strings.HasPrefix(word, "--"):
			act, takes := options[word]
			if !takes {
				c.flag(word)
				continue
			}
			if len(words) == 0 {
				return fmt.Errorf("curl's %s has no value", word)
			}
			if err := act(c, words[0]); err != nil {
				return err
			}
			words = words[1:]
		case len(word) > 1 && word[0] == '-':
			rest, err := c.letters(word[1:], words)
			if err != nil {
				return err
			}
			words = rest
		case c.url == "":
			c.url = word
		case word != "":
			return errors.New("the command of curl has two URLs, or a quote is missing: give one request")
		}
	}
	return nil
}

// letters acts on options of one letter, of which the last may have a value.
func (c *command) letters(letters string, words []string) ([]string, error) {
	for i := range len(letters) {
		name, takes := short[letters[i]]
		if !takes {
			c.flag("-" + letters[i:i+1])
			continue
		}
		value := letters[i+1:]
		if value == "" {
			if len(words) == 0 {
				return nil, fmt.Errorf("curl's -%c has no value", letters[i])
			}
			value, words = words[0], words[1:]
		}
		return words, options[name](c, value)
	}
	return words, nil
}

func (c *command) flag(name string) {
	switch name {
	case "-G", "--get":
		c.get = true
	case "-I", "--head":
		c.method = http.MethodHead
	}
}

func (c *command) addHeader(text string) error {
	name, value, ok := strings.Cut(text, ":")
	if strings.HasPrefix(text, "@") {
		return errors.New("curl's -H with a file is not known here: write out the headers")
	}
	if !ok {
		name, ok = strings.CutSuffix(text, ";")
		if !ok {
			return nil // as curl, which ignores it
		}
	}
	name = strings.TrimSpace(name)
	c.header[name] = append(c.header[name], strings.TrimSpace(value))
	return nil
}

// addData adds a text, or for @FILE what is in the file, without line breaks if asked.
func (c *command) addData(text string, files, oneLine bool) error {
	if file, ok := strings.CutPrefix(text, "@"); ok && files {
		content, err := readFile(file)
		if err != nil {
			return err
		}
		if text = content; oneLine {
			text = strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(text)
		}
	}
	c.data = append(c.data, text)
	return nil
}

func (c *command) addEncoded(text string) error {
	encoded, err := urlencode(text)
	c.data = append(c.data, encoded)
	return err
}

// urlencode reads what curl's --data-urlencode takes: content, =content, name=content,
// @file or name@file.
func urlencode(text string) (string, error) {
	at := strings.IndexAny(text, "=@")
	if at < 0 {
		return url.QueryEscape(text), nil
	}
	name, content := text[:at], text[at+1:]
	if text[at] == '@' {
		var err error
		if content, err = readFile(content); err != nil {
			return "", err
		}
	}
	if name == "" {
		return url.QueryEscape(content), nil
	}
	return name + "=" + url.QueryEscape(content), nil
}

func (c *command) addQuery(text string) error {
	if encoded, ok := strings.CutPrefix(text, "+"); ok {
		c.query = append(c.query, encoded)
		return nil
	}
	encoded, err := urlencode(text)
	c.query = append(c.query, encoded)
	return err
}

// withQuery adds to the query of a URL.
func withQuery(address string, more []string) string {
	query := strings.Join(more, "&")
	if query == "" {
		return address
	}
	address, fragment, hasFragment := strings.Cut(address, "#")
	if strings.Contains(address, "?") {
		address += "&" + query
	} else {
		address += "?" + query
	}
	if hasFragment {
		address += "#" + fragment
	}
	return address
}

func (c *command) addField(text string, files bool) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("curl's -F needs NAME=VALUE")
	}
	f := field{name: name, value: value}
	if files && strings.HasPrefix(value, "@") {
		f.file, _, _ = strings.Cut(value[1:], ";")
		f.value = ""
	} else if file, ok := strings.CutPrefix(value, "<"); ok && files {
		content, err := readFile(file)
		if err != nil {
			return err
		}
		f.value = content
	}
	c.fields = append(c.fields, f)
	return nil
}

func (c *command) setUser(text string) error {
	return c.addHeader("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(text)))
}

func (c *command) upload(string) error {
	if c.method == "" {
		c.method = http.MethodPut
	}
	return nil // a file is no form, so it is not signed
}

func (c *command) request() (Request, error) {
	if c.url == "" {
		return Request{}, errors.New("the command of curl has no URL")
	}
	if !strings.Contains(c.url, "://") {
		c.url = "http://" + c.url
	}
	r := Request{Method: c.method, URL: c.url, Header: c.header}
	inQuery := c.get && len(c.data) > 0
	if inQuery {
		r.URL = withQuery(r.URL, c.data) // instead of --url-query, as curl does it
	} else {
		r.URL = withQuery(r.URL, c.query)
	}
	switch {
	case inQuery:
	case c.json:
		r.Body = []byte(strings.Join(c.data, ""))
		c.otherwise("Content-Type", "application/json")
		c.otherwise("Accept", "application/json")
	case len(c.data) > 0:
		r.Body = []byte(strings.Join(c.data, "&"))
		c.otherwise("Content-Type", "application/x-www-form-urlencoded")
	case len(c.fields) > 0:
		r.Body = c.multipart()
	}
	if r.Method == "" {
		if r.Method = http.MethodGet; r.Body != nil {
			r.Method = http.MethodPost
		}
	}
	return r, nil
}

// otherwise sets a header that the command line does not.
func (c *command) otherwise(name, value string) {
	if first(c.header, name) == "" {
		c.header.Set(name, value)
	}
}

// multipart leaves the content of files out: it is never signed.
func (c *command) multipart() []byte {
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for _, f := range c.fields {
		if f.file != "" {
			w.CreateFormFile(f.name, filepath.Base(f.file))
			continue
		}
		w.WriteField(f.name, f.value)
	}
	w.Close()
	c.header.Set("Content-Type", w.FormDataContentType())
	return []byte(b.String())
}

func readFile(name string) (string, error) {
	if name == "-" {
		return "", errors.New("curl would read standard input here: put the data into a file, and write @FILE")
	}
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err == nil && info.Size() > MaxSize {
		err = fmt.Errorf("it has more than %d MiB", MaxSize>>20)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return "", fmt.Errorf("the command of curl takes data from a file that cannot be read: %w", err)
	}
	return string(text), nil
}
