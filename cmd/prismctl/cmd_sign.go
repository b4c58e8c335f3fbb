package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/sign"
)

type signCmd struct {
	Make    signMakeCmd    `cmd:"" default:"withargs" help:"Show how a request is signed; the word make may be left out."`
	Explain signExplainCmd `cmd:"" help:"Say why a signature is wrong."`
	Verify  signVerifyCmd  `cmd:"" help:"Say whether a signature is right."`
}

type signMakeCmd struct {
	secretSource
	Method string   `arg:"" help:"The method, in capitals; or - for JSON, see above."`
	Path   string   `is:"bytes" arg:"" optional:"" help:"The whole path, base path included; it may have a query."`
	Params []string `is:"bytes" arg:"" optional:"" name:"name=value" help:"All parameters that are sent, those of the system included."`
	Header []string `is:"bytes" short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"A header; Authorization and X-Api-* count. May be repeated."`
}

// Help teaches by example.
func (*signCmd) Help() string {
	return `Shows how a request is signed, part by part, with the secret of PRISM_SECRET or --secret-file, which it does not show. Parameters of GET and DELETE are in the query, those of POST and PUT in the form. Nothing is added, so give all that is sent:

    prismctl sign GET /api/platform/notify/status client_id=buwb2lii sign_method=md5 sign_time=1400568648

For programs, - reads JSON objects, one a line, and writes one a line. Values are strings or arrays of strings. The string to sign holds the secret.

    $ prismctl sign - < requests.json
    {"method":"GET","path":"/api/x","headers":{},"query":{"a":"1"},"form":{},"secret":"s"}
    {"string_to_sign":"s&GET&%2Fapi%2Fx&&a%3D1&&s","sign":"..."}`
}

// Validate is called for the arguments.
func (c *signMakeCmd) Validate() error {
	switch {
	case c.Method == "-" && (c.Path != "" || len(c.Header) > 0):
		return errors.New("- takes everything from standard input: leave the rest out")
	case c.Method == "-":
		return nil
	case c.Method == "" || c.Method != strings.ToUpper(c.Method):
		return errors.New("the method must be in capitals, such as GET, as it is signed")
	case !strings.HasPrefix(c.Path, "/"):
		return errors.New("the path must be the whole path of the URL, base path included, such as /api/platform/notify/status")
	}
	return nil
}

// Run signs.
func (c *signMakeCmd) Run(ctx context.Context, t *tool) error {
	if c.Method == "-" {
		return signLines(ctx, t)
	}
	request, err := c.request(ctx, t)
	if err != nil {
		return err
	}
	secret, err := c.secretOf(ctx, t)
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return t.printJSON(signature{sign.Mask(sign.StringToSign(secret, request), secret), sign.Sign(secret, request)})
	}
	return t.write([]byte(explainSign(secret, request)))
}

func (c *signMakeCmd) request(ctx context.Context, t *tool) (r sign.Request, err error) {
	path, query, _ := strings.Cut(c.Path, "?")
	if path, err = url.PathUnescape(path); err != nil {
		return r, exit.Usagef("the path: %w", err)
	}
	r = sign.Request{Method: c.Method, Path: path, Form: url.Values{}}
	if r.Query, err = url.ParseQuery(query); err != nil {
		return r, exit.Usagef("the query of the path: %w", err)
	}
	values := r.Query
	if c.Method == http.MethodPost || c.Method == http.MethodPut {
		values = r.Form
	}
	params, err := t.paramsOf(ctx, c.Params)
	if err != nil {
		return r, err
	}
	for name, v := range params {
		values[name] = append(values[name], v.([]string)...)
	}
	r.Header, err = parseHeader(c.Header)
	return r, err
}

// explainSign shows the parts of the string to sign, and what they make.
func explainSign(secret string, r sign.Request) string {
	masked := sign.Mask(sign.StringToSign(secret, r), secret)
	var b strings.Builder
	b.WriteString("The signature is the MD5, in capital hex digits, of seven parts with & between.\n")
	b.WriteString("*** hides the secret, and values that nobody else should see.\n\n")
	rules := []struct{ name, rule string }{
		{"secret", ""},
		{"method", "in capitals"},
		{"path", "decoded, then escaped"},
		{"headers", "Authorization and X-Api-*, sorted by name, joined by &, then escaped"},
		{"query", "all but sign, decoded, sorted by name, joined by &, then escaped"},
		{"form", "likewise"},
		{"secret", "once more"},
	}
	for i, part := range strings.SplitN(masked, "&", len(rules)) {
		if part == "" {
			part = "(empty)"
		}
		b.WriteString(column(rules[i].name) + part + "\n")
		if rules[i].rule != "" && part != "(empty)" {
			b.WriteString(column("") + "  " + rules[i].rule + "\n")
		}
	}
	b.WriteString("\n" + column("to sign") + masked + "\n" + column("sign") + sign.Sign(secret, r) + "\n")
	return b.String()
}

func column(name string) string {
	const width = 9
	return name + strings.Repeat(" ", width-len(name))
}
