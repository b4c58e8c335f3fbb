package gateway

import (
	"bytes"
	"io"
	"net/http"
)

// TakeOut takes the reserved parameters out of the body of r, if that is a form of any kind, for
// a backend in the platform's own process. It reads a form, and a multipart form that is
// small, and returns how many bytes it holds of them; a larger multipart form is rewritten
// while it is read. limit bounds a form. The error is a [*Refusal], or that of the body; that
// of a multipart form that is rewritten comes from reading it.
func TakeOut(r *http.Request, limit int64) (held int64, err error) {
	if r.Body == nil || r.ContentLength == 0 {
		return 0, nil
	}
	if said := r.Header["Content-Type"]; len(said) > 1 {
		r.Header["Content-Type"] = said[:1]
	}
	if isForm(r.Header) {
		return takeOutOfForm(r, limit)
	}
	bound, err := boundary(r.Header)
	if bound == "" || err != nil {
		return 0, err
	}
	r.Header["Content-Type"] = multipartType(bound)
	p := newParts(r.Body, bound, int(limit))
	p.begin = func(now part) (keep, collect bool, err error) { return !Reserved(now.name), false, nil }
	if r.ContentLength < 0 || r.ContentLength > peekedBytes {
		setLength(r, -1)
		r.Body = &peekedBody{Reader: p, Closer: r.Body}
		return 0, nil
	}
	text, err := io.ReadAll(p)
	if err == nil {
		give(r, text)
	}
	return int64(len(text)), err
}

func takeOutOfForm(r *http.Request, limit int64) (held int64, err error) {
	text, err := readUpTo(r.Body, limit)
	if err != nil {
		return 0, err
	}
	form, err := parseForm(text)
	if err != nil {
		return 0, err
	}
	r.Header["Content-Type"] = formType
	give(r, []byte(form.Encode()))
	return int64(len(text)), nil
}

// give replaces the body of r.
func give(r *http.Request, text []byte) {
	r.Body = io.NopCloser(bytes.NewReader(text))
	setLength(r, int64(len(text)))
}

func setLength(r *http.Request, n int64) {
	r.ContentLength, r.TransferEncoding = n, nil
	r.Header.Del("Content-Length")
}
