package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// An importPage is the form of an import, and what the import would do.
type importPage struct {
	URL      string         `json:"url"`
	File     string         `json:"file"`
	Alert    string         `json:"alert,omitempty"`
	Faults   []fileFault    `json:"faults,omitempty"`
	Preview  *importPreview `json:"preview,omitempty"`
	Seen     string         `json:"seen,omitempty"`  // stands for the preview
	Moved    bool           `json:"moved,omitempty"` // the preview is another one than was agreed to
	Breaking int            `json:"breaking"`
}

type fileFault struct {
	URL    string `json:"url,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
	Source string `json:"source,omitempty"` // the line
}

type importPreview struct {
	Found    int             `json:"found"`
	Message  string          `json:"message"`
	Services []serviceInfo   `json:"apis"`
	Changes  []serviceChange `json:"changes"`
	Routes   []apiEntry      `json:"routes"`
}

type serviceChange struct {
	Service  string `json:"service"`
	API      string `json:"api"`
	Breaking bool   `json:"breaking"`
	Text     string `json:"text"`
}

func (r *request) importForm() (any, error) { return &importPage{URL: r.value("url")}, nil }

// importFile shows what an import would do, and does it when that was seen and agreed to.
func (r *request) importFile() error {
	page := &importPage{URL: r.value("url"), File: strings.ReplaceAll(r.PostFormValue("file"), "\r\n", "\n")}
	err := r.previewImport(page)
	if err == nil && r.value("seen") == page.Seen {
		err = r.doImport(page)
		if err == nil {
			http.Redirect(r.w, r.Request, address(r.c.base, "apis")+"?done=import.done", http.StatusSeeOther)
			return nil
		}
	}
	page.Moved = err == nil && r.value("seen") != ""
	status := http.StatusOK
	if err != nil {
		if status, err = page.refused(err); err != nil {
			return err
		}
	}
	return r.answer(status, "import", page)
}

// New reports whether a service would be made, and not refreshed.
func (s serviceInfo) New() bool { return strings.HasPrefix(s.CreateTime, "0001-") }

// Shown are the first of the routes.
func (p *importPreview) Shown() []apiEntry { return p.Routes[:min(len(p.Routes), routesShown)] }

// Hidden is how many more there are.
func (p *importPreview) Hidden() int { return len(p.Routes) - len(p.Shown()) }

// routesShown bounds a page; its JSON has all.
const routesShown = 300

// params returns what names the file: its text, or else its address.
func (p *importPage) params() url.Values {
	if strings.TrimSpace(p.File) != "" {
		return url.Values{"file": {p.File}}
	}
	return url.Values{"url": {p.URL}}
}

func (r *request) previewImport(page *importPage) error {
	params := page.params()
	params.Set("dry_run", "1")
	var preview importPreview
	if err := r.post("platform/service/import", params, &preview); err != nil {
		return err
	}
	page.Preview = &preview
	for _, change := range preview.Changes {
		if change.Breaking {
			page.Breaking++
		}
	}
	text, err := json.Marshal([]any{preview.Changes, preview.Routes, params})
	sum := sha256.Sum256(text)
	page.Seen = hex.EncodeToString(sum[:])
	return err
}

// doImport imports what was previewed. What breaks callers needs to be agreed to by itself.
func (r *request) doImport(page *importPage) error {
	params := page.params()
	if page.Breaking > 0 && r.value("force") == "1" {
		params.Set("force", "1")
	}
	prefixes := []string{}
	for _, s := range page.Preview.Services {
		prefixes = append(prefixes, s.Path)
	}
	r.after = map[string]any{"services": prefixes[:min(len(prefixes), 20)], "breaking": page.Breaking}
	return r.post("platform/service/import", params, nil)
}

// refused shows a refusal beside what was typed; faults with their lines.
func (p *importPage) refused(err error) (status int, failed error) {
	var refused *callError
	if !errors.As(err, &refused) {
		return 0, err
	}
	p.Alert = refused.Message
	if text, err := json.Marshal(refused.Data["faults"]); err == nil {
		_ = json.Unmarshal(text, &p.Faults) // without faults there is the message
	}
	lines := strings.Split(p.File, "\n")
	for i, f := range p.Faults {
		if f.URL == "" && f.Line >= 1 && f.Line <= len(lines) {
			p.Faults[i].Source = excerpt(lines[f.Line-1], f.Column)
		}
	}
	if len(p.Faults) > 0 {
		p.Alert = ""
	}
	return refused.Status, nil
}

// excerpt returns the part of a line around a column, which counts from 1.
func excerpt(line string, column int) string {
	const around = 60
	text := []rune(strings.TrimRight(line, "\r"))
	from := min(max(0, column-1-around), len(text))
	return string(text[from:min(len(text), column+around)])
}
