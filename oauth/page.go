package oauth

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// fail reports err and answers r with it.
func (l *Login) fail(w http.ResponseWriter, r *http.Request, err error) {
	l.report(r, err)
	l.show(w, r, err)
}

// report logs err and calls OnError, unless err only says that the browser hung up.
func (l *Login) report(r *http.Request, err error) {
	if isOver(r) && errors.Is(err, r.Context().Err()) {
		return
	}
	level := slog.LevelWarn
	if reasonOf(err) == ReasonSessionEnded {
		level = slog.LevelInfo
	}
	l.client.Logger().LogAttrs(r.Context(), level, "oauth: login failed or session lost",
		slog.String("reason", string(reasonOf(err))), slog.String("error", err.Error()))
	if l.cfg.OnError != nil {
		l.cfg.OnError(r, err)
	}
}

// reasonOf returns the reason of a LoginError, and "" for another error.
func reasonOf(err error) Reason {
	var e *LoginError
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// show answers r with a page, or with JSON if r is not a page view.
func (l *Login) show(w http.ResponseWriter, r *http.Request, err error) {
	status := reasonOf(err).status()
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(int(pause/time.Second)))
	}
	switch {
	case !navigates(r):
		answerJSON(w, status, map[string]string{"error": string(reasonOf(err)), "message": texts["en"].of(reasonOf(err))})
	case l.cfg.ErrorPage != nil:
		w.Header().Set("Cache-Control", "no-store")
		l.cfg.ErrorPage(w, r, err)
	default:
		l.page(w, r, status, reasonOf(err))
	}
}

func answerJSON(w http.ResponseWriter, status int, body map[string]string) {
	text, _ := json.Marshal(body) // cannot fail: it has strings only
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(text, '\n'))
}

// page writes a page with a link to try again. That link is all that it quotes of
// the request: anybody may have written the parameters of a callback.
func (l *Login) page(w http.ResponseWriter, r *http.Request, status int, reason Reason) {
	language := languageOf(r.Header.Get("Accept-Language"))
	words := texts[language]
	title, again := words.title, l.cfg.AfterLogin
	if status >= http.StatusInternalServerError {
		title = words.away
	}
	if isPageView(r) && r.URL.Path != l.callback.Path {
		again = l.returnPath(r.URL)
	}
	var body bytes.Buffer
	if err := errorPage.Execute(&body, map[string]string{
		"Language": language, "Title": title, "Text": words.of(reason), "Again": words.again, "Address": again,
	}); err != nil {
		http.Error(w, words.of(reason), status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", language)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address may contain a code
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Accept-Language")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body.Bytes())
	}
}

const style = `
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; margin: 0; padding: 1.5rem; }
main { max-width: 32rem; margin: 8vh auto 0; }
h1 { font-size: 1.4rem; line-height: 1.3; }
a { color: LinkText; }
a:focus-visible { outline: 3px solid; outline-offset: 3px; }
`

// errorPage works without scripts; the style is allowed by its hash.
var errorPage = template.Must(template.New("error").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>` + style + `</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p role="alert">{{.Text}}</p>
<p><a href="{{.Address}}">{{.Again}}</a></p>
</main>
</body>
</html>
`))

var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// words are the texts of the page in one language.
type words struct {
	title, away, again, other string
	reasons                   map[Reason]string
}

func (w words) of(reason Reason) string {
	if text := w.reasons[reason]; text != "" {
		return text
	}
	return w.other
}

var texts = map[string]words{
	"en": {
		title: "Login not completed",
		away:  "Not available at the moment",
		again: "Try again",
		other: "Something went wrong while you were logging in.",
		reasons: map[Reason]string{
			ReasonStateMissing:   "The login did not begin on this site, so it was stopped for your safety.",
			ReasonStateInvalid:   "This login was used already, has taken too long, or was begun in another browser, so it was stopped for your safety.",
			ReasonAccessDenied:   "The platform did not confirm the login.",
			ReasonCodeMissing:    "The platform's answer to the login was not complete.",
			ReasonCodeRefused:    "The platform did not accept the login any more. It may have taken too long.",
			ReasonPlatformFailed: "The platform cannot be reached at the moment. Please wait a little.",
			ReasonLoginLooped:    "The login succeeded several times in a row, but your browser came back without it. Please allow cookies for this site.",
			ReasonStoreFailed:    "This site cannot store or read logins at the moment. Please wait a little.",
		},
	},
	"zh": {
		title: "登录未完成",
		away:  "暂时无法使用",
		again: "重试",
		other: "登录过程中出现错误。",
		reasons: map[Reason]string{
			ReasonStateMissing:   "此次登录并非从本站开始，为安全起见已中止。",
			ReasonStateInvalid:   "此次登录已被使用、已超时，或是在另一个浏览器中开始的，为安全起见已中止。",
			ReasonAccessDenied:   "平台没有确认此次登录。",
			ReasonCodeMissing:    "平台返回的登录结果不完整。",
			ReasonCodeRefused:    "平台没有接受此次登录，可能是耗时过长。",
			ReasonPlatformFailed: "暂时无法连接平台，请稍候再试。",
			ReasonLoginLooped:    "登录已连续多次成功，但浏览器没有带回登录状态。请允许本站使用 Cookie。",
			ReasonStoreFailed:    "本站暂时无法保存或读取登录状态，请稍候再试。",
		},
	},
}

// languageOf returns which of "zh" and "en" an Accept-Language header prefers, and
// "en" if it has neither.
func languageOf(accept string) string {
	best, language := 0.0, "en"
	for part := range strings.SplitSeq(accept, ",") {
		tag, weight, weighted := strings.Cut(part, ";")
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if weighted {
			number, _ := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			q, _ = strconv.ParseFloat(number, 64)
		}
		if _, known := texts[tag]; known && q > best && q <= 1 {
			best, language = q, tag
		}
	}
	return language
}
