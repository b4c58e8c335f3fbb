package platform

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/gateway"
)

// vetBody refuses a form that names a reserved parameter and is not covered by the
// signature: a form in parts, or a form of another method. The backend gets such a form
// unchanged, so vetBody reads it first. It leaves other bodies to the backend.
func (p *Platform) vetBody(w *answer, r *http.Request, c *call) error {
	if c.form != nil || r.ContentLength == 0 {
		return nil
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && !strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "form") {
		return nil
	}
	urlencoded := media == "application/x-www-form-urlencoded"
	if err == nil && !urlencoded && media != "multipart/form-data" {
		return nil
	}
	if err != nil {
		return badRequest(code.InvalidForm, "the Content-Type of the form cannot be read")
	}
	body, err := p.readBody(w, r, c)
	if err != nil {
		return err
	}
	if urlencoded {
		return p.vetParams(string(body))
	}
	return vetParts(multipart.NewReader(bytes.NewReader(body), params["boundary"]), p.cfg.Limits.Parameters)
}

// readBody reads a body of a verified caller, and puts it back.
func (p *Platform) readBody(w *answer, r *http.Request, c *call) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err == nil && !p.forms.reserve(int64(len(body))) {
		err = overloaded()
	}
	if err != nil {
		w.Header().Set("Connection", "close")
		return nil, bodyFailure(err)
	}
	c.inFlight += int64(len(body))
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

func (p *Platform) vetParams(body string) error {
	params, err := parseParams(body, p.cfg.Limits.Parameters)
	if err != nil {
		return badRequest(code.InvalidForm, "the form in the body "+err.Error())
	}
	for name := range params {
		if gateway.Reserved(name) {
			return reservedParam(name)
		}
	}
	return nil
}

func vetParts(parts *multipart.Reader, limit int) error {
	for range limit {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return badRequest(code.InvalidForm, "the parts of the form cannot be read")
		}
		if name := part.FormName(); gateway.Reserved(name) {
			return reservedParam(name)
		}
	}
	return badRequest(code.InvalidForm, "the form has too many parts")
}

func reservedParam(name string) error {
	return badRequest(code.ReservedParameter, "the form has the parameter "+shorten(name, 32)+", which is reserved for the platform: system parameters of such a call stand in the query")
}
