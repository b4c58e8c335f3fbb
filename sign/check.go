package sign

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Check says whether a platform would accept the proof of a request, and if not, why: it
// looks at the parameters client_id, sign_method, sign_time and sign, and then at the
// signature as [Diagnose] does. The age of sign_time does not make a request wrong, as
// most that are looked at are from yesterday; Text mentions it if Now is set.
func Check(secret string, r Received, o Options) Diagnosis {
	var c check
	r = c.unescapeHTML(r)
	signature := c.system(&r, o.Key)
	if signature == "" {
		return c.refused()
	}
	d := Diagnose(secret, r, signature, o)
	if len(c.faults) > 0 {
		d = c.with(d)
	}
	if !o.Now.IsZero() {
		d.Text += age(r.value("sign_time"), o.Now)
	}
	return d
}

// A check collects what is wrong with the parameters of the platform.
type check struct {
	faults []fault
}

type fault struct{ cause, what, fix string }

func (c *check) add(cause, what, fix string) { c.faults = append(c.faults, fault{cause, what, fix}) }

func (c *check) has(cause string) bool {
	return slices.ContainsFunc(c.faults, func(f fault) bool { return f.cause == cause })
}

// unescapeHTML undoes &amp; in a URL that was copied from a page.
func (c *check) unescapeHTML(r Received) Received {
	if !strings.Contains(r.RawQuery, "&amp;") {
		return r
	}
	c.add("html-escaped-url", "its parameters are joined by &amp;", "Join them by & alone: &amp; belongs into HTML only.")
	r.RawQuery = strings.ReplaceAll(r.RawQuery, "&amp;", "&")
	r.Query = valuesOf(asSent(r.RawQuery, nil, url.QueryUnescape))
	return r
}

// Other names under which clients send what the platform wants.
var misnamed = map[string][]string{
	"client_id":   {"clientid", "client-id", "app_key", "appkey", "app_id", "appid", "key", "api_key", "apikey"},
	"sign_time":   {"signtime", "timestamp", "time", "ts", "sign-time"},
	"sign_method": {"signmethod", "sign-method", "sign_type"},
	"sign":        {"signature", "sig", "token", "_sign"},
}

// system checks the parameters of the platform, and returns the signature, or "".
func (c *check) system(r *Received, key string) string {
	for _, name := range []string{"client_id", "sign_method", "sign_time"} {
		if len(r.Query[name])+len(r.Form[name]) > 1 {
			c.add("duplicate-parameter", name+" is there more than once", "Send it once, in the query or in the form.")
		}
	}
	signature := r.signature()
	if len(r.Query["sign"]) > 1 || len(r.Form["sign"]) > 1 {
		c.add("duplicate-parameter", "sign is there more than once", "Send it once, in the query or in the form.")
	}
	if signature == "" {
		if signature = c.noSignature(r); signature == "" {
			return ""
		}
	}
	switch id := r.value("client_id"); {
	case id == "":
		c.add("client-id-missing", "it has no client_id"+c.instead(r, "client_id"), "Send the key as client_id, and sign it.")
	case key != "" && id != key:
		c.add("other-key", "its client_id is not the key that was given", "Give the key of the request and its secret (PRISM_KEY, PRISM_SECRET), or correct client_id.")
	}
	if method := r.value("sign_method"); method != "" && method != "md5" {
		c.add("sign-method-other", "its sign_method is not md5", "Send sign_method=md5, or leave it out.")
	}
	c.time(r)
	return signature
}

func (c *check) noSignature(r *Received) string {
	if other, ok := r.under("sign"); ok && r.value("client_secret") == "" {
		c.add("sign-misnamed", "its signature has another name than sign", "Send it as the parameter sign.")
		return other
	}
	if r.value("client_secret") != "" {
		c.add("secret-sent", "it has client_secret and no signature, which is secret mode", "Sign it, or send it over https only; a secret that went over plain HTTP has to be changed.")
		return ""
	}
	c.add("sign-missing", "it has no signature", "Send client_id, sign_method, sign_time and sign in the query or in a form.")
	return ""
}

// instead says that a parameter is there under another name.
func (c *check) instead(r *Received, name string) string {
	if _, ok := r.under(name); ok {
		return " (but one under another name)"
	}
	return ""
}

// under finds a parameter by the other names of a name.
func (r *Received) under(name string) (string, bool) {
	for _, params := range []url.Values{r.Query, r.Form} {
		for given, values := range params {
			lower := strings.ToLower(given)
			if given != name && len(values) > 0 && values[0] != "" && (lower == name || slices.Contains(misnamed[name], lower)) {
				return values[0], true
			}
		}
	}
	return "", false
}

// signature returns the parameter sign. Of two, that beside client_id counts.
func (r *Received) signature() string {
	query, form := r.Query.Get("sign"), r.Form.Get("sign")
	if form != "" && (query == "" || r.Form.Has("client_id")) {
		return form
	}
	return query
}

func (c *check) time(r *Received) {
	text := r.value("sign_time")
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "":
		c.add("sign-time-missing", "it has no sign_time"+c.instead(r, "sign_time"), "Send the Unix time in seconds as sign_time, and sign it.")
	case err != nil:
		c.add("sign-time-format", "its sign_time is no Unix time in seconds", "Send the Unix time in seconds, such as 1400568648.")
	case seconds >= inMilliseconds:
		c.add("milliseconds", "its sign_time is in milliseconds", "Send and sign seconds: Math.floor(Date.now() / 1000), System.currentTimeMillis() / 1000.")
	}
}

// refused is the diagnosis of a request without a signature.
func (c *check) refused() Diagnosis { return c.with(Diagnosis{Valid: true}) }

// with adds the faults to what was found out about the signature.
func (c *check) with(d Diagnosis) Diagnosis {
	all := Diagnosis{Tried: d.Tried}
	var what, fix []string
	for _, f := range c.faults {
		if !slices.Contains(all.Causes, f.cause) {
			all.Causes = append(all.Causes, f.cause)
		}
		what = append(what, f.what)
		if !slices.Contains(fix, f.fix) {
			fix = append(fix, f.fix)
		}
	}
	all.Text = "The request is refused: " + strings.Join(what, ", and ") + ". " + strings.Join(fix, " ")
	unexplained := slices.Contains(d.Causes, "other-secret")
	if d.Valid || unexplained && c.has("other-key") {
		return all
	}
	for _, cause := range d.Causes {
		if !slices.Contains(all.Causes, cause) {
			all.Causes = append(all.Causes, cause)
		}
	}
	all.Text += " " + d.Text
	return all
}

// age says how old sign_time is, where a platform with usual settings would refuse it.
func age(signTime string, now time.Time) string {
	const window = 10 * time.Minute
	seconds, err := strconv.ParseInt(signTime, 10, 64)
	if err != nil || seconds < 0 || seconds >= inMilliseconds {
		return ""
	}
	at := time.Unix(seconds, 0)
	text := at.UTC().Format("2006-01-02 15:04:05 UTC")
	switch old := now.Sub(at).Round(time.Second); {
	case old > window:
		return " Its sign_time is " + text + ", before this machine's clock by more than ten minutes: a platform accepts a request for a limited time only."
	case old < -window:
		return " Its sign_time is " + text + ", after this machine's clock by more than ten minutes, so a platform refuses it: set the clock of the client, and take the Unix time, which knows no time zone."
	}
	return ""
}
