package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A snippet is a call as a command or a program. The secret is what the environment has, and
// a signature is made when it runs.
type snippet struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// A call as snippets write it.
type written struct {
	server, base, key string // server is of scheme and host, base the path of the APIs
	id, method, path  string
	query, form       [][2]string // form is nil if the body is no form
	header            [][2]string
	body              string
}

func (r *request) snippets(c *callDetail) []snippet {
	path, query, _ := strings.Cut(withoutProof(c.Caller.URL), "?")
	w := written{server: r.origin(), base: r.c.api, key: c.Key, id: c.ID, method: c.Caller.Method, path: path, query: pairsOf(query), body: string(c.Caller.Body)}
	form := isForm(c.Caller.Header) && (w.method == http.MethodPost || w.method == http.MethodPut)
	if form {
		w.form, w.body = pairsOf(withoutProofIn(w.body)), ""
	}
	for _, name := range headerNames(c.Caller.Header) {
		if isOfClient(name) && !(form && name == "Content-Type") {
			for _, value := range c.Caller.Header[name] {
				w.header = append(w.header, [2]string{name, value})
			}
		}
	}
	return []snippet{{"curl", w.curl()}, {"Go", w.golang()}, {"PHP", w.php()}, {"prismctl", w.prismctl()}}
}

// origin returns the scheme and host at which the browser reaches the platform.
func (r *request) origin() string {
	scheme := "http"
	if caller, err := r.c.cfg.Platform.Caller(r.Request); err == nil && caller.Secure {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func pairsOf(form string) (pairs [][2]string) {
	for pair := range strings.SplitSeq(form, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plainName, err := url.QueryUnescape(name)
		plainValue, failed := url.QueryUnescape(value)
		switch {
		case pair == "":
		case err != nil || failed != nil:
			pairs = append(pairs, [2]string{name, value})
		default:
			pairs = append(pairs, [2]string{plainName, plainValue})
		}
	}
	return pairs
}

func encoded(pairs [][2]string) string {
	var all []string
	for _, p := range pairs {
		all = append(all, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
	}
	return strings.Join(all, "&")
}

// forShell quotes an argument of a command.
func forShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// inPHP quotes a string.
func inPHP(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

func (w *written) curl() string {
	proof := "client_id=" + url.QueryEscape(w.key) + "&sign_method=md5&sign_time=SIGN_TIME&sign=SIGNATURE"
	query := encoded(w.query)
	if w.form == nil {
		query = strings.TrimPrefix(query+"&"+proof, "&")
	}
	target := w.server + w.path
	if query != "" {
		target += "?" + query
	}
	command := "curl -X "
	if strings.ContainsAny(target, "[]{}") { // which are patterns of many URLs without -g
		command = "curl -g -X "
	}
	lines := []string{command + forShell(w.method) + " " + forShell(target)}
	for _, h := range w.header {
		lines = append(lines, "-H "+forShell(h[0]+": "+h[1]))
	}
	switch {
	case w.form != nil:
		lines = append(lines, "--data-raw "+forShell(strings.TrimPrefix(encoded(w.form)+"&"+proof, "&")))
	case w.body != "": // not --data-binary, for which an @ at the beginning names a file
		lines = append(lines, "--data-raw "+forShell(w.body))
	}
	return strings.Join(lines, " \\\n  ")
}

// below returns the address of the APIs, and the path below it.
func (w *written) below() (server, path string) {
	if rest, ok := strings.CutPrefix(w.path, w.base+"/"); ok {
		return w.server + w.base, rest
	}
	return w.server, strings.TrimPrefix(w.path, "/")
}

func (w *written) golang() string {
	if w.form == nil && w.body != "" {
		return w.golangBody()
	}
	server, path := w.below()
	params := w.form
	if w.form == nil {
		params = w.query
	} else if len(w.query) > 0 {
		path += "?" + encoded(w.query)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "client, err := prism.New(prism.Config{Server: %q, Key: %q, Secret: os.Getenv(\"PRISM_SECRET\")})\nif err != nil {\n\tlog.Fatal(err)\n}\n", server, w.key)
	fmt.Fprintf(&b, "res, err := client.Do(ctx, prism.Call{\n\tMethod: %q,\n\tPath:   %q,\n", w.method, path)
	if len(params) > 0 {
		b.WriteString("\tParams: prism.Params{\n")
		for _, p := range grouped(params) {
			fmt.Fprintf(&b, "\t\t%q: %s,\n", p.name, goValue(p.values))
		}
		b.WriteString("\t},\n")
	}
	if len(w.header) > 0 {
		b.WriteString("\tHeader: http.Header{\n")
		for _, p := range grouped(w.header) {
			fmt.Fprintf(&b, "\t\t%q: %#v,\n", p.name, p.values)
		}
		b.WriteString("\t},\n")
	}
	b.WriteString("})")
	return b.String()
}

// golangBody is for a body that is no form.
func (w *written) golangBody() string {
	var b strings.Builder
	fmt.Fprintf(&b, "query := url.Values{\n\t\"client_id\":   {%q},\n\t\"sign_method\": {\"md5\"},\n\t\"sign_time\":   {strconv.FormatInt(time.Now().Unix(), 10)},\n", w.key)
	for _, p := range grouped(w.query) {
		fmt.Fprintf(&b, "\t%q: %s,\n", p.name, strings.TrimPrefix(fmt.Sprintf("%#v", p.values), "[]string"))
	}
	fmt.Fprintf(&b, "}\nreq, err := http.NewRequestWithContext(ctx, %q, %q, strings.NewReader(%q))\nif err != nil {\n\tlog.Fatal(err)\n}\n", w.method, w.server+w.path, w.body)
	for _, h := range w.header {
		fmt.Fprintf(&b, "req.Header.Add(%q, %q)\n", h[0], h[1])
	}
	b.WriteString("query.Set(\"sign\", sign.Sign(os.Getenv(\"PRISM_SECRET\"), sign.Request{\n\tMethod: req.Method, Path: req.URL.Path, Header: req.Header, Query: query,\n}))\n")
	b.WriteString("req.URL.RawQuery = query.Encode()\nres, err := http.DefaultClient.Do(req)")
	return b.String()
}

type group struct {
	name   string
	values []string
}

func grouped(pairs [][2]string) (groups []group) {
	for _, p := range pairs {
		at := slices.IndexFunc(groups, func(g group) bool { return g.name == p[0] })
		if at < 0 {
			at = len(groups)
			groups = append(groups, group{name: p[0]})
		}
		groups[at].values = append(groups[at].values, p[1])
	}
	return groups
}

func goValue(values []string) string {
	if len(values) == 1 {
		return strconv.Quote(values[0])
	}
	return fmt.Sprintf("%#v", values)
}

// php is a program that needs nothing but PHP with curl. It signs by the rule.
func (w *written) php() string {
	var b strings.Builder
	b.WriteString("$proof = ['client_id' => " + inPHP(w.key) + ", 'sign_method' => 'md5', 'sign_time' => time()];\n")
	list := func(name string, pairs [][2]string) {
		b.WriteString("$" + name + " = [")
		for _, g := range grouped(pairs) {
			b.WriteString("\n    " + inPHP(g.name) + " => " + inPHP(g.values[len(g.values)-1]) + ",")
		}
		if len(pairs) > 0 {
			b.WriteString("\n")
		}
		b.WriteString("];\n")
	}
	list("query", w.query)
	list("form", w.form)
	list("signedHeaders", slices.DeleteFunc(slices.Clone(w.header), func(h [2]string) bool { return h[0] != "Authorization" && !strings.HasPrefix(h[0], "X-Api-") }))
	if w.form != nil {
		b.WriteString("$form += $proof;\n")
	} else {
		b.WriteString("$query += $proof;\n")
	}
	fmt.Fprintf(&b, `$part = function ($pairs) {
    ksort($pairs, SORT_STRING);
    return rawurlencode(implode('&', array_map(fn($name, $value) => "$name=$value", array_keys($pairs), $pairs)));
};
$secret = getenv('PRISM_SECRET');
$text = implode('&', [$secret, %s, rawurlencode(%s), $part($signedHeaders), $part($query), $part($form), $secret]);
`, inPHP(w.method), inPHP(plainPath(w.path)))
	body := inPHP(w.body)
	if w.form != nil {
		b.WriteString("$form['sign'] = strtoupper(md5($text));\n")
		body = "http_build_query($form)"
	} else {
		b.WriteString("$query['sign'] = strtoupper(md5($text));\n")
	}
	fmt.Fprintf(&b, "$curl = curl_init(%s . '?' . http_build_query($query));\ncurl_setopt_array($curl, [\n    CURLOPT_CUSTOMREQUEST => %s,\n    CURLOPT_RETURNTRANSFER => true,\n", inPHP(w.server+w.path), inPHP(w.method))
	if len(w.header) > 0 {
		b.WriteString("    CURLOPT_HTTPHEADER => [\n")
		for _, h := range w.header {
			b.WriteString("        " + inPHP(h[0]+": "+h[1]) + ",\n")
		}
		b.WriteString("    ],\n")
	}
	if w.form != nil || w.body != "" {
		b.WriteString("    CURLOPT_POSTFIELDS => " + body + ",\n")
	}
	b.WriteString("]);\necho curl_exec($curl);")
	return b.String()
}

func plainPath(path string) string {
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}

func (w *written) prismctl() string {
	server, path := w.below()
	env := "PRISM_URL=" + forShell(server) + " PRISM_KEY=" + forShell(w.key) + " PRISM_SECRET=SECRET \\\n  "
	verbs := map[string]string{"GET": "get", "POST": "post", "PUT": "put", "DELETE": "delete"}
	if verbs[w.method] == "" || w.form == nil && w.body != "" {
		return "prismctl calls replay " + forShell(w.id)
	}
	params := w.form
	if w.form == nil {
		params = w.query
	} else if len(w.query) > 0 {
		path += "?" + encoded(w.query)
	}
	parts := []string{env + "prismctl " + verbs[w.method]}
	for _, h := range w.header {
		parts = append(parts, "-H "+forShell(h[0]+": "+h[1]))
	}
	parts = append(parts, "-- "+forShell(path)) // what the caller has named may begin with -
	for _, p := range params {
		value := p[1]
		if strings.HasPrefix(value, "@") {
			value = "@" + value
		}
		parts = append(parts, forShell(p[0]+"="+value))
	}
	return strings.Join(parts, " \\\n    ")
}
