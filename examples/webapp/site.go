package main

import (
	"html/template"
	"io"
	"log"
	"net/http"

	"github.com/shopex/prism-go/oauth"
)

// callbackPath is where the platform sends browsers back to. It has to be
// registered with the platform; that of "prismctl serve" knows it.
const callbackPath = "/auth/callback"

// newSite is a front page for everyone, and an account page behind the login.
func newSite(login *oauth.Login) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", front)
	mux.HandleFunc("GET /style.css", style)
	mux.Handle("GET /account", login.Require(http.HandlerFunc(account)))
	mux.Handle("GET "+callbackPath, login.Callback())
	mux.Handle("/logout", login.Logout())
	return mux
}

func front(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, "front", nil)
}

// account is reached by signed-in users only.
func account(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	page := struct {
		Name string
		Data map[string]any // what the API says about the user
	}{Name: oauth.User(ctx).Login}
	res, err := oauth.UserClient(ctx).Get(ctx, "platform/oauth/user", nil)
	if err == nil {
		err = res.Decode(&page.Data)
	}
	if err != nil {
		log.Printf("calling platform/oauth/user: %v", err)
		show(w, http.StatusBadGateway, "account", page)
		return
	}
	show(w, http.StatusOK, "account", page)
}

func show(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store") // the next user of the browser must not see it
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		log.Printf("writing the page %s: %v", name, err)
	}
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	io.WriteString(w, css)
}

var pages = template.Must(template.New("").Parse(`
{{- define "head" -}}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.}} - Example shop</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
{{- end}}

{{- define "front"}}{{template "head" "Welcome"}}
<h1>Example shop</h1>
<p>Everyone can read this page. Your account is for you alone.</p>
<p><a class="button" href="/account">Sign in to your account</a></p>
</main>
</body>
</html>
{{end}}

{{- define "account"}}{{template "head" "Your account"}}
<h1>Hello, {{.Name}}</h1>
{{- if .Data}}
<p>This is what the platform’s API tells about you, called in your name:</p>
<dl>
{{- range $name, $value := .Data}}
<div><dt>{{$name}}</dt><dd>{{$value}}</dd></div>
{{- end}}
</dl>
{{- else}}
<p role="alert">The platform’s API could not be called. Try again in a while.</p>
{{- end}}
<form method="post" action="/logout"><button class="button">Sign out</button></form>
<p><a href="/">Front page</a></p>
</main>
</body>
</html>
{{end}}`))

const css = `:root { color-scheme: light dark; --line: light-dark(#ccc, #555); --strong: light-dark(#0b57d0, #a8c7fa); font: 1.1rem/1.6 system-ui, sans-serif; }
main { max-width: 34rem; margin: 12vh auto; padding: 0 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.3; }
a { color: var(--strong); }
dl div { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .4rem 0; border-top: 1px solid var(--line); }
dt { flex: 0 0 8rem; font-weight: 600; }
dd { flex: 1; margin: 0; }
.button { display: inline-block; padding: .55rem 1.2rem; border: 2px solid var(--strong); border-radius: .5rem; background: none; color: var(--strong); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
.button:hover { background: var(--strong); color: Canvas; }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 3px; }
`
