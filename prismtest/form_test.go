package prismtest

import (
	"fmt"
	"html"
	"net/url"
	"testing"
)

func TestTheLoginFormIsFoundInAnyPage(t *testing.T) {
	const simple = `<form method="post"><input type="hidden" name="csrf" value="c"><input name="login"><input type="password" name="password"></form>`
	for name, row := range map[string]struct {
		page, action, values string
	}{
		"simple":           {simple, "", "csrf=c&login=L&password=P"},
		"in capitals":      {`<FORM ACTION=/in><INPUT NAME=u><INPUT TYPE=PASSWORD NAME=p></FORM>`, "/in", "p=P&u=L"},
		"single quotes":    {`<form action='/in'><input name='u'><input type='password' name='p'/></form>`, "/in", "p=P&u=L"},
		"over lines":       {"<form\n action=\"/in\"\n><input\n\tname=u\n><input type=password name=p required></form>", "/in", "p=P&u=L"},
		"entities":         {`<form action="?a=1&amp;b=2"><input name=u><input type=password name=p><input type=hidden name=x value="&quot;&gt;"></form>`, "?a=1&b=2", "p=P&u=L&x=%22%3E"},
		"after others":     {`<form action="/search"><input name="q"></form>` + simple, "", "csrf=c&login=L&password=P"},
		"in a comment":     {`<!-- <form action="/old"><input type="password" name="old"></form> -->` + simple, "", "csrf=c&login=L&password=P"},
		"in a script":      {`<script>x = '<form action="/old"><input type="password" name="old"></form>'</script >` + simple, "", "csrf=c&login=L&password=P"},
		"a larger sign":    {`<form data-if="a>b" action="/in"><input name=u><input type=password name=p></form>`, "/in", "p=P&u=L"},
		"never closed":     {`<form action="/in"><input type="email" name="u"><input type="password" name="p">`, "/in", "p=P&u=L"},
		"a kept tick":      {`<form><input name=u value=old><input type=password name=p><input type=checkbox name=stay value=1 checked><input type=checkbox name=news value=1></form>`, "", "p=P&stay=1&u=L"},
		"without a name":   {`<form><input name=u><input type=password name=p><input type=hidden value=1><input type=submit name=go value=1></form>`, "", "p=P&u=L"},
		"the first of two": {`<form action="/in"><input name=u><input type=password name=p></form><form action="/up"><input type=password name=n></form>`, "/in", "p=P&u=L"},
	} {
		form := findLoginForm(row.page)
		if form == nil {
			t.Errorf("%s: there is none", name)
			continue
		}
		if got := form.filled("L", "P").Encode(); form.action != row.action || got != row.values {
			t.Errorf("%s: %q to %q, want %q to %q", name, got, form.action, row.values, row.action)
		}
	}
	for _, page := range []string{"", "hello", `{"error":"login_required"}`, `<form><input name="q"></form>`, `<form action="/out" method="post"><button>Sign out</button></form>`} {
		if form := findLoginForm(page); form != nil {
			t.Errorf("%q has a login form: %+v", page, form)
		}
	}
}

// What a page says comes back as it was meant.
func FuzzLoginForm(f *testing.F) {
	f.Add("csrf", "c", "/oauth/authorize?a=b&c=d")
	f.Add(`a"b`, "<'>&amp;", "")
	f.Fuzz(func(t *testing.T, name, value, action string) {
		if name == "" || name == "u" || name == "p" {
			return
		}
		form := findLoginForm(fmt.Sprintf(`<form action="%s"><input name="u"><input type="password" name="p"><input type="hidden" name="%s" value="%s"></form>`,
			html.EscapeString(action), html.EscapeString(name), html.EscapeString(value)))
		want := url.Values{"u": {"L"}, "p": {"P"}, name: {value}}.Encode()
		if form == nil || form.action != action || form.filled("L", "P").Encode() != want {
			t.Errorf("found %+v, want %s", form, want)
		}
	})
}
