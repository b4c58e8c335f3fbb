package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A new secret is on one page, once. The form that has made it leads there, so that a page
// which is loaded anew sends no form again and makes no further secret; until then it is a
// record, which only the session of the form finds.
const (
	kindSecret = "consolesecret"
	secretLife = 5 * time.Minute
)

// A secretPage shows a secret, or that it was shown.
type secretPage struct {
	App      string `json:"app"`
	Key      string `json:"key"`
	Secret   string `json:"secret,omitempty"`
	For      string `json:"for"` // "key" or "push"
	OldUntil int64  `json:"old_until,omitempty"`
}

// Until returns until when the old secret is good, too.
func (p secretPage) Until() time.Time {
	if p.OldUntil == 0 {
		return time.Time{}
	}
	return time.Unix(p.OldUntil, 0)
}

func (c *Console) secretRoutes() {
	c.mux.HandleFunc("GET "+c.base+"/apps/{app}/keys/{key}/secret/{for}", c.within((*request).secret))
}

func (p secretPage) path() string {
	return "apps/" + url.PathEscape(p.App) + "/keys/" + url.PathEscape(p.Key) + "/secret/" + url.PathEscape(p.For)
}

// toSecret leads to the page that shows a new secret. A secret that cannot be kept until
// then is shown here: the old one may be good no more.
func (r *request) toSecret(page secretPage) error {
	if r.keepSecret(page) != nil {
		return r.answer(http.StatusOK, "secret", page)
	}
	return r.goOn(page.path())
}

func (r *request) keepSecret(page secretPage) error {
	text, err := json.Marshal(page)
	if err != nil {
		return err
	}
	id := derived("secret "+page.path(), r.s.id)
	if err := r.c.cfg.Store.Delete(r.Context(), kindSecret, id); err != nil { // one that nobody has looked at
		return err
	}
	_, err = r.c.cfg.Store.Save(r.Context(), kindSecret, id, text, 0, secretLife)
	return err
}

func (r *request) secret() error {
	page := secretPage{App: r.PathValue("app"), Key: r.PathValue("key"), For: r.PathValue("for")}
	if err := r.takeSecret(&page); err != nil {
		return err
	}
	status := http.StatusOK
	if page.Secret == "" {
		status = http.StatusGone
	}
	return r.answer(status, "secret", page)
}

// takeSecret removes the secret of a page from the records and puts it into the page, if it
// is still there. Of requests at the same time one gets it.
func (r *request) takeSecret(page *secretPage) error {
	if r.Method != http.MethodGet { // the answer to HEAD has no page
		return nil
	}
	store, id, found := r.c.cfg.Store, derived("secret "+page.path(), r.s.id), *page
	record, err := store.Load(r.Context(), kindSecret, id)
	if err == nil {
		err = json.Unmarshal(record.Value, &found)
	}
	if err == nil {
		_, err = store.Save(r.Context(), kindSecret, id, []byte("{}"), record.Revision, time.Second)
	}
	if errors.Is(err, platform.ErrNoRecord) || errors.Is(err, platform.ErrConflict) {
		return nil
	}
	*page = found
	return err
}

var secretPhrases = map[string]phrase{
	"secret.title": {"Secret", "密钥"},
	"secret.once":  {"This secret is shown now and never again. Copy it to where it is used.", "此密钥仅显示这一次，请立即复制保存。"},
	"secret.key":   {"Secret of the key %s", "Key %s 的密钥"},
	"secret.push":  {"Secret with which pushes for the key %s are signed", "Key %s 推送签名使用的密钥"},
	"secret.old":   {"The old secret is good, too, until %s.", "旧密钥在 %s 之前仍然有效。"},
	"secret.gone":  {"This secret was shown and is not shown again. Whoever has lost it makes a new one on the page of the key.", "此密钥已显示过，不再显示。如已丢失，请在 Key 页面重新生成。"},
	"secret.back":  {"I have it: go on to the key", "已保存，返回 Key 页面"},
	"secret.to":    {"Go on to the key", "返回 Key 页面"},
}
