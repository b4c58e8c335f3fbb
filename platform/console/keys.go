package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The pages of keys. A secret is on the page that follows the form that has made it, and on
// no other: see secret.go.

func (c *Console) keysRoutes() {
	c.page("/apps/{app}/keys/{key}", "key", (*request).key)
	c.secretRoutes()
	c.action("/apps/{app}/keys", (*request).createKey)
	c.action("/apps/{app}/keys/{key}/rotate", (*request).rotateKey)
	c.change("/apps/{app}/keys/{key}/expire", (*request).expireKey)
	c.change("/apps/{app}/keys/{key}/delete", (*request).deleteKey)
	c.action("/apps/{app}/keys/{key}/push", (*request).setPush)
	c.action("/apps/{app}/keys/{key}/push/rotate", (*request).rotatePush)
	c.change("/apps/{app}/keys/{key}/push/stop", (*request).stopPush)
}

// A keyDoc is a key as the platform answers it, without its secret.
type keyDoc struct {
	Key     string            `json:"Key"`
	App     string            `json:"ClientId"`
	Notes   string            `json:"Notes"`
	Meta    map[string]string `json:"Meta"`
	Created string            `json:"CreateTime"`
	Expired int64             `json:"Expired"`
	Push    pushAddress       `json:"NotifyPushUrl"`
	Workers int               `json:"PushWorkers,omitempty"`

	now time.Time
}

// A pushAddress is an address whose query and user, which may have a token or a password, are
// shown to nobody.
type pushAddress string

// UnmarshalText cuts them out.
func (a *pushAddress) UnmarshalText(text []byte) error {
	address, _, cut := strings.Cut(string(text), "?")
	if cut {
		address += "?…"
	}
	scheme, rest, _ := strings.Cut(address, "://")
	host, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		address = strings.TrimSuffix(scheme+"://…"+host[at:]+"/"+path, "/")
	}
	*a = pushAddress(address)
	return nil
}

// Whole reports whether the address is shown as it is.
func (a pushAddress) Whole() bool { return !strings.Contains(string(a), "…") }

// When returns when the key was made.
func (k keyDoc) When() string { return day(k.Created) }

// Query returns the query that finds the calls of the key.
func (k keyDoc) Query() string { return url.Values{"client_id": {k.Key}}.Encode() }

// Ends returns when the key ends, or the zero time for never.
func (k keyDoc) Ends() time.Time {
	if k.Expired <= 0 {
		return time.Time{}
	}
	return time.Unix(k.Expired, 0)
}

// Ended reports whether the key is refused.
func (k keyDoc) Ended() bool { return k.Expired > 0 && !k.Ends().After(k.now) }

// A pushState is what this process of the platform has done for a push address.
type pushState struct {
	Workers      int    `json:"Workers"`
	Delivered    uint64 `json:"Delivered"`
	Failed       uint64 `json:"Failed"`
	LastStatus   int    `json:"Last_status,omitempty"`
	LastError    string `json:"Last_error,omitempty"`
	WaitingSince int64  `json:"Waiting_since,omitempty"`
}

// Since returns since when all posts have failed.
func (s pushState) Since() time.Time {
	if s.WaitingSince == 0 {
		return time.Time{}
	}
	return time.Unix(s.WaitingSince, 0)
}

type keyPage struct {
	Key       keyDoc     `json:"key"`
	PushState *pushState `json:"push,omitempty"`
}

func (r *request) key() (any, error) {
	page := keyPage{}
	var err error
	if page.Key, err = r.theKey(); err != nil || page.Key.Push == "" || !r.administers() || page.Key.Ended() {
		return page, err
	}
	var status struct{ Push *pushState }
	if err := r.get("platform/notify/status", url.Values{"of": {page.Key.Key}}, &status); err != nil {
		return nil, err
	}
	page.PushState = status.Push
	return page, nil
}

// theKey returns the key that a page or form is about, if it is one of the app.
func (r *request) theKey() (keyDoc, error) {
	key := keyDoc{now: r.c.cfg.Now()}
	err := r.get("platform/key/info", url.Values{"key": {r.PathValue("key")}}, &key)
	if err == nil && key.App != r.PathValue("app") {
		err = &callError{Status: http.StatusNotFound, Code: "unknown_key", Message: "this app has no key with this client_id"}
	}
	return key, err
}

// madeKey is what the platform answers to those who made a secret.
type madeKey struct {
	Key, Secret, PushSecret string
	OldUntil, PushOldUntil  int64
}

func (r *request) createKey() error {
	params := r.params("desc")
	params.Set("app_id", r.PathValue("app"))
	if until, err := dateOf(r.value("until")); err != nil {
		return err
	} else if until > 0 {
		params.Set("expired_date", strconv.FormatInt(until, 10))
	}
	var made madeKey
	if err := r.post("platform/key/create", params, &made); err != nil {
		return err
	}
	r.after = made.Key
	return r.toSecret(secretPage{App: r.PathValue("app"), Key: made.Key, Secret: made.Secret, For: "key"})
}

func (r *request) rotateKey() error {
	if _, err := r.theKey(); err != nil {
		return err
	}
	var made madeKey
	grace := r.value("grace")
	if err := r.post("platform/key/rotate", url.Values{"key": {r.PathValue("key")}, "grace": {grace}}, &made); err != nil {
		return err
	}
	page := secretPage{App: r.PathValue("app"), Key: made.Key, Secret: made.Secret, For: "key"}
	if grace != "" && grace != "0" {
		page.OldUntil = made.OldUntil
	}
	return r.toSecret(page)
}

// dateOf reads the beginning of a day, or a time; an empty text is 0.
func dateOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Unix(), nil
		}
	}
	return 0, &callError{Status: http.StatusBadRequest, Code: "invalid_parameter", Message: "the date must be as 2030-01-31, or 2030-01-31T12:00:00Z"}
}

// expireKey switches a key off and on, or says when it ends.
func (r *request) expireKey() (string, error) {
	key, err := r.theKey()
	if err != nil {
		return "", err
	}
	at, phrase := int64(0), "keys.on"
	switch r.value("state") {
	case "on":
	case "off":
		at, phrase = r.c.cfg.Now().Unix(), "keys.off"
	default:
		phrase = "keys.ends"
		if at, err = dateOf(r.value("until")); err != nil {
			return "", err
		}
	}
	r.before, r.after = key.Expired, at
	return r.atKey(phrase), r.post("platform/key/expire", url.Values{"key": {key.Key}, "expired_date": {strconv.FormatInt(at, 10)}}, nil)
}

// atKey returns the page of the key that a form is about.
func (r *request) atKey(phrase string) string {
	return "apps/" + url.PathEscape(r.PathValue("app")) + "/keys/" + url.PathEscape(r.PathValue("key")) + "?done=" + phrase
}

func (r *request) deleteKey() (string, error) {
	key, err := r.theKey()
	if err != nil {
		return "", err
	}
	if err := r.confirmed(key.Key); err != nil {
		return "", err
	}
	r.before = key.Notes
	return r.atApp("keys.deleted"), r.post("platform/key/delete", url.Values{"key": {key.Key}}, nil)
}

// setPush sets or changes the push address. Only the first time there is a new secret.
func (r *request) setPush() error {
	key, err := r.theKey()
	if err != nil {
		return err
	}
	params := r.params("url", "workers")
	params.Set("key", key.Key)
	var made struct {
		madeKey
		NotifyPushURL pushAddress `json:"NotifyPushUrl"`
	}
	r.before = key.Push
	if err := r.post("platform/key/push", params, &made); err != nil {
		return err
	}
	r.after = made.NotifyPushURL
	if made.PushSecret != "" {
		return r.toSecret(secretPage{App: key.App, Key: key.Key, Secret: made.PushSecret, For: "push"})
	}
	return r.goOn(r.atKey("keys.push_set"))
}

func (r *request) rotatePush() error {
	key, err := r.theKey()
	if err != nil {
		return err
	}
	var made madeKey
	if err := r.post("platform/key/push/rotate", url.Values{"key": {key.Key}, "grace": {r.value("grace")}}, &made); err != nil {
		return err
	}
	return r.toSecret(secretPage{App: key.App, Key: key.Key, Secret: made.PushSecret, For: "push", OldUntil: made.PushOldUntil})
}

func (r *request) stopPush() (string, error) {
	key, err := r.theKey()
	if err != nil {
		return "", err
	}
	r.before = key.Push
	return r.atKey("keys.push_stopped"), r.post("platform/key/push/stop", url.Values{"key": {key.Key}}, nil)
}

var keysPhrases = map[string]phrase{
	"key.title":          {"Key", "Key"},
	"key.app":            {"App", "应用"},
	"key.notes":          {"Notes", "备注"},
	"key.meta":           {"Meta", "元数据"},
	"key.created":        {"Created", "创建日期"},
	"key.ends":           {"Good until", "有效期至"},
	"key.never":          {"for ever", "永久"},
	"key.ended":          {"switched off", "已停用"},
	"key.good":           {"good", "有效"},
	"key.state":          {"State", "状态"},
	"key.rotate":         {"New secret", "更换密钥"},
	"key.rotate_text":    {"The key gets a new secret, which is shown once. Until the end of the grace both are good; then connections with the old one are closed.", "为此 Key 生成新密钥，仅显示一次。宽限期内新旧密钥均有效，之后使用旧密钥的连接将被断开。"},
	"key.rotate_do":      {"Make a new secret", "生成新密钥"},
	"key.grace":          {"Old secret is good for", "旧密钥保留"},
	"key.grace_0":        {"no time: it ends at once", "不保留，立即失效"},
	"key.grace_1h":       {"1 hour", "1 小时"},
	"key.grace_1d":       {"1 day", "1 天"},
	"key.grace_7d":       {"7 days", "7 天"},
	"key.expire":         {"Switch off", "停用"},
	"key.expire_text":    {"A key that is off is refused, and its connections are closed. Its queues stay and get messages.", "停用后调用被拒绝，连接被断开；队列保留并继续接收消息。"},
	"key.off":            {"Switch off now", "立即停用"},
	"key.on":             {"Switch on, for ever", "启用，永久有效"},
	"key.until":          {"Ends at the beginning of (UTC)", "于该日零点（UTC）停用"},
	"key.set":            {"Set", "设置"},
	"key.delete":         {"Delete this key", "删除此 Key"},
	"key.delete_text":    {"Its queues and the messages in them go with it. This cannot be undone: a key can be switched off instead.", "其队列及其中的消息将一并删除，无法恢复；也可以只停用。"},
	"key.push":           {"Push", "推送"},
	"key.push_text":      {"The platform posts the messages of the default queue to this address, signed with a secret of its own.", "平台将默认队列的消息 POST 到此地址，并使用单独的密钥签名。"},
	"key.push_url":       {"Address", "地址"},
	"key.push_workers":   {"Posts at a time", "并发数"},
	"key.push_hidden":    {"The query of the address is not shown, as it may have a token.", "地址的查询参数可能包含令牌，不予显示。"},
	"key.push_set":       {"Push to this address", "推送到此地址"},
	"key.push_stop":      {"Stop pushing", "停止推送"},
	"key.push_delivered": {"Delivered", "已送达"},
	"key.push_failed":    {"Failed posts", "失败次数"},
	"key.push_status":    {"Last status", "最近状态码"},
	"key.push_error":     {"Last error", "最近错误"},
	"key.push_waiting":   {"All posts fail since", "持续失败始于"},
	"key.push_here":      {"Counted by this process since it began.", "本进程启动以来的统计。"},
	"keys.title":         {"Keys", "Key"},
	"keys.none":          {"No key yet: without one the app can do nothing.", "还没有 Key，应用尚不能使用。"},
	"keys.create":        {"Create a key", "创建 Key"},
	"keys.create_do":     {"Create", "创建"},
	"keys.on":            {"The key is switched on.", "Key 已启用。"},
	"keys.off":           {"The key is switched off.", "Key 已停用。"},
	"keys.ends":          {"The end of the key was changed.", "Key 的有效期已修改。"},
	"keys.deleted":       {"The key was deleted with its queues.", "Key 及其队列已删除。"},
	"keys.push_set":      {"The push address was changed.", "推送地址已修改。"},
	"keys.push_stopped":  {"Pushing was stopped.", "推送已停止。"},

	"did./apps/{app}/keys":                   {"created a key", "创建 Key"},
	"did./apps/{app}/keys/{key}/rotate":      {"gave a key a new secret", "更换 Key 的密钥"},
	"did./apps/{app}/keys/{key}/expire":      {"changed when a key ends", "修改 Key 的有效期"},
	"did./apps/{app}/keys/{key}/delete":      {"deleted a key", "删除 Key"},
	"did./apps/{app}/keys/{key}/push":        {"set a push address", "设置推送地址"},
	"did./apps/{app}/keys/{key}/push/rotate": {"gave a push address a new secret", "更换推送密钥"},
	"did./apps/{app}/keys/{key}/push/stop":   {"stopped pushing", "停止推送"},
}
