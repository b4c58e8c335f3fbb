package console

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The pages of apps and what they may do. Those of their keys are in keys.go.

func (c *Console) appsRoutes() {
	c.page("/apps", "apps", (*request).apps)
	c.page("/apps/{app}", "app", (*request).app)
	c.change("/apps", (*request).createApp)
	c.change("/apps/{app}/delete", (*request).deleteApp)
	c.change("/apps/{app}/disable", (*request).disableApp)
	c.change("/apps/{app}/enable", (*request).enableApp)
	c.change("/apps/{app}/permissions", (*request).permit)
	c.change("/apps/{app}/redirects/add", (*request).addRedirect)
	c.change("/apps/{app}/redirects/remove", (*request).removeRedirect)
	c.keysRoutes()
}

// An appDoc is an app as the platform answers it.
type appDoc struct {
	ID       string   `json:"Id"`
	Name     string   `json:"Name"`
	Summary  string   `json:"Summary"`
	Domain   string   `json:"DomainId"`
	Keys     int      `json:"KeysNum"`
	MaxKeys  int      `json:"MaxKeysLimit"`
	Created  string   `json:"CreateTime"`
	Publish  []string `json:"NotifyPublish"` // null is everything
	Listen   []string `json:"NotifyListen"`  // likewise
	MemberID string   `json:"MemberId"`
	Email    string   `json:"Email,omitempty"`
	Role     string   `json:"Role,omitempty"`
	Disabled bool     `json:"Disabled,omitempty"`
}

// Patterns of a permission are shown one a line.
func patternLines(patterns []string) string {
	if patterns == nil {
		return "#"
	}
	return strings.Join(patterns, "\n")
}

// PublishLines returns the patterns that the app may publish.
func (a appDoc) PublishLines() string { return patternLines(a.Publish) }

// ListenLines returns the patterns that the app may listen to.
func (a appDoc) ListenLines() string { return patternLines(a.Listen) }

// PublishShort and ListenShort are for a cell of a table.
func (a appDoc) PublishShort() string {
	return cut(strings.ReplaceAll(a.PublishLines(), "\n", ", "), 120)
}

// ListenShort is PublishShort for what the app may listen to.
func (a appDoc) ListenShort() string {
	return cut(strings.ReplaceAll(a.ListenLines(), "\n", ", "), 120)
}

// When returns when the app was made, for people.
func (a appDoc) When() string { return day(a.Created) }

// day returns the date of a time of the platform.
func day(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() <= 1 {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// A listed is one page of a list that is searched and cut on the server.
type listed struct {
	Text  string `json:"q,omitempty"`
	Page  int    `json:"page"` // from 1
	Pages int    `json:"pages"`
	Found int    `json:"found"`
}

// cutList returns the items of a page of those that match what is searched.
func cutList[T any](r *request, items []T, matches func(item T, text string) bool) (listed, []T) {
	l := listed{Text: strings.TrimSpace(r.URL.Query().Get("q")), Page: 1}
	text := strings.ToLower(l.Text)
	found := []T{}
	for _, item := range items {
		if text == "" || matches(item, text) {
			found = append(found, item)
		}
	}
	l.Found, l.Pages = len(found), max(1, (len(found)+rowsOfPage-1)/rowsOfPage)
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		l.Page = min(max(1, n), l.Pages)
	}
	from := (l.Page - 1) * rowsOfPage
	return l, found[from:min(len(found), from+rowsOfPage)]
}

// Query returns the query of another page of the list.
func (l listed) Query(page int) string {
	q := url.Values{"page": {strconv.Itoa(page)}}
	if l.Text != "" {
		q.Set("q", l.Text)
	}
	return q.Encode()
}

// Before and After return the number of the page beside this one, or 0.
func (l listed) Before() int { return l.Page - 1 }

// Links returns the list without its items, for the links to its other pages.
func (l listed) Links() listed { return l }

// After is Before for the following page.
func (l listed) After() int {
	if l.Page == l.Pages {
		return 0
	}
	return l.Page + 1
}

func hasText(text string, in ...string) bool {
	return slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

// A listLinks has what stands below a list.
type listLinks struct {
	listed
	Previous, Next string // addresses, or ""
}

// List returns the view of the links to the other pages of a list.
func (v *view) List(l listed, parts ...string) *view {
	links := listLinks{listed: l}
	if l.Before() > 0 {
		links.Previous = v.At(l.Query(l.Before()), parts...)
	}
	if l.After() > 0 {
		links.Next = v.At(l.Query(l.After()), parts...)
	}
	return v.With(links)
}

type appsPage struct {
	listed
	Apps []appDoc `json:"apps"`
}

func (r *request) apps() (any, error) {
	var apps []appDoc
	if err := r.get("platform/app/list", nil, &apps); err != nil {
		return nil, err
	}
	apps = slices.DeleteFunc(apps, func(a appDoc) bool { return a.Email != "" }) // members have a page of their own
	var page appsPage
	page.listed, page.Apps = cutList(r, apps, func(a appDoc, text string) bool { return hasText(text, a.ID, a.Name, a.Summary) })
	return page, nil
}

type appPage struct {
	App       appDoc   `json:"app"`
	Redirects []string `json:"redirects"`
	Keys      []keyDoc `json:"keys"`
}

func (r *request) app() (any, error) {
	var page appPage
	id := url.Values{"app_id": {r.PathValue("app")}}
	if err := r.get("platform/app/info", id, &page.App); err != nil {
		return nil, err
	}
	if err := r.get("platform/key/list", id, &page.Keys); err != nil {
		return nil, err
	}
	for i := range page.Keys {
		page.Keys[i].now = r.c.cfg.Now()
	}
	if r.administers() {
		if err := r.get("platform/app/redirect/list", id, &page.Redirects); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// params returns the fields of the form that were filled in, under the names of the call.
func (r *request) params(fields ...string) url.Values {
	params := url.Values{}
	for _, field := range fields {
		if value := r.value(field); value != "" {
			params.Set(field, value)
		}
	}
	return params
}

// patterns returns a field with a pattern a line as a JSON array.
func (r *request) patterns(field string) string {
	patterns := strings.Fields(r.value(field))
	text, _ := json.Marshal(append([]string{}, patterns...)) // texts are always JSON
	return string(text)
}

func (r *request) createApp() (string, error) {
	params := r.params("name", "id", "desc")
	if r.administers() {
		params.Set("publish", r.patterns("publish"))
		params.Set("listen", r.patterns("listen"))
	}
	var app appDoc
	if err := r.post("platform/app/create", params, &app); err != nil {
		return "", err
	}
	r.after = app.ID
	return "apps/" + url.PathEscape(app.ID) + "?done=apps.created", nil
}

// atApp returns the page of the app that a form is about.
func (r *request) atApp(phrase string) string {
	return "apps/" + url.PathEscape(r.PathValue("app")) + "?done=" + phrase
}

func (r *request) deleteApp() (string, error) {
	id := r.PathValue("app")
	if err := r.confirmed(id); err != nil {
		return "", err
	}
	r.before = id
	return "apps?done=apps.deleted", r.post("platform/app/delete", url.Values{"app_id": {id}}, nil)
}

// disableApp refuses what the keys of the app do, until enableApp.
func (r *request) disableApp() (string, error) {
	id := r.PathValue("app")
	if err := r.confirmed(id); err != nil {
		return "", err
	}
	return r.atApp("app.disabled"), r.post("platform/app/disable", url.Values{"app_id": {id}}, nil)
}

func (r *request) enableApp() (string, error) {
	return r.atApp("app.enabled"), r.post("platform/app/enable", url.Values{"app_id": {r.PathValue("app")}}, nil)
}

// permit sets what the app may publish and listen to.
func (r *request) permit() (string, error) {
	id := r.PathValue("app")
	var app appDoc
	if err := r.get("platform/app/info", url.Values{"app_id": {id}}, &app); err != nil {
		return "", err
	}
	r.before = map[string][]string{"publish": app.Publish, "listen": app.Listen}
	after := map[string]json.RawMessage{}
	r.after = after
	for field, call := range map[string]string{"publish": "platform/manageapp/queue/publish", "listen": "platform/manageapp/queue/consume"} {
		patterns := r.patterns(field)
		if patterns == "["+`"#"`+"]" {
			patterns = "#"
		}
		if err := r.post(call, url.Values{"app_id": {id}, "routing_key": {patterns}}, nil); err != nil {
			return "", err
		}
		after[field] = json.RawMessage(r.patterns(field))
	}
	return r.atApp("apps.permitted"), nil
}

func (r *request) addRedirect() (string, error) {
	return r.redirect("platform/app/redirect/add", "apps.redirect_added", &r.after)
}

func (r *request) removeRedirect() (string, error) {
	return r.redirect("platform/app/redirect/remove", "apps.redirect_removed", &r.before)
}

func (r *request) redirect(call, phrase string, note *any) (string, error) {
	uri := r.value("redirect_uri")
	*note, _, _ = strings.Cut(uri, "?")
	return r.atApp(phrase), r.post(call, url.Values{"app_id": {r.PathValue("app")}, "redirect_uri": {uri}}, nil)
}

var appsPhrases = map[string]phrase{
	"apps.title":                       {"Apps", "应用"},
	"apps.text":                        {"An app is a product that calls APIs, publishes and consumes messages, and lets its users log in. Each installation of it has a key.", "应用是调用 API、收发消息并让用户登录的产品，每个部署使用各自的 Key。"},
	"apps.own":                         {"You see the apps that your member has made.", "这里只显示您的成员账号创建的应用。"},
	"apps.id":                          {"ID", "ID"},
	"apps.id_hint":                     {"Letters, digits, - and _. Empty: a random one.", "字母、数字、- 和 _。留空则随机生成。"},
	"apps.name":                        {"Name", "名称"},
	"apps.summary":                     {"Description", "说明"},
	"apps.keys":                        {"Keys", "Key"},
	"apps.created_on":                  {"Created", "创建日期"},
	"apps.publish":                     {"May publish", "可发布"},
	"apps.listen":                      {"May listen to", "可监听"},
	"apps.patterns":                    {"Patterns of routing keys, one a line: * is one word, # any number of words. Empty: nothing.", "路由键模式，每行一个：* 匹配一个词，# 匹配任意多个词。留空表示不允许。"},
	"apps.create":                      {"Create an app", "创建应用"},
	"apps.create_do":                   {"Create", "创建"},
	"apps.none":                        {"There is no app yet. Create one below, or with \"prismctl app create NAME\".", "还没有应用。可在下方创建，或使用 prismctl app create NAME。"},
	"apps.none_found":                  {"No app agrees with this search.", "没有符合搜索条件的应用。"},
	"apps.found":                       {"%d found, page %d of %d", "共 %d 项，第 %d / %d 页"},
	"apps.previous":                    {"Previous page", "上一页"},
	"apps.next":                        {"Next page", "下一页"},
	"apps.created":                     {"The app was created. It needs a key to be used.", "应用已创建，还需要创建 Key 才能使用。"},
	"apps.deleted":                     {"The app was deleted with its keys and queues.", "应用及其 Key 和队列已删除。"},
	"apps.permitted":                   {"The permissions were changed. They count at once.", "权限已修改，立即生效。"},
	"apps.redirect_added":              {"The address was added.", "地址已添加。"},
	"apps.redirect_removed":            {"The address was removed.", "地址已移除。"},
	"app.title":                        {"App", "应用"},
	"app.permissions":                  {"Permissions", "权限"},
	"app.save":                         {"Save", "保存"},
	"app.redirects":                    {"Addresses after login", "登录回调地址"},
	"app.redirects_text":               {"A browser is sent back to the app only at one of these, exactly as it is here.", "登录后浏览器只会跳转到下列地址，须完全一致。"},
	"app.redirect_none":                {"None: users cannot log in to this app yet.", "没有地址：用户尚不能登录此应用。"},
	"app.add":                          {"Add", "添加"},
	"app.remove":                       {"Remove", "移除"},
	"app.address":                      {"Address", "地址"},
	"app.off":                          {"disabled", "已停用"},
	"app.disable":                      {"Disable this app", "停用此应用"},
	"app.disable_text":                 {"Its keys are refused for calls, channels, logins and tokens, and its pushes pause. Its queues go on to get messages, and enabling it brings everything back.", "其 Key 的调用、通道、登录和令牌都会被拒绝，推送暂停；其队列继续接收消息，启用后一切恢复。"},
	"app.disable_do":                   {"Disable", "停用"},
	"app.disabled":                     {"The app was disabled.", "应用已停用。"},
	"app.enable":                       {"This app is disabled", "此应用已停用"},
	"app.enable_do":                    {"Enable", "启用"},
	"app.enabled":                      {"The app was enabled.", "应用已启用。"},
	"did./apps/{app}/disable":          {"disabled an app", "停用应用"},
	"did./apps/{app}/enable":           {"enabled an app", "启用应用"},
	"app.delete":                       {"Delete this app", "删除此应用"},
	"app.delete_text":                  {"Its keys, their queues and the messages in them go with it. This cannot be undone.", "其 Key、队列以及队列中的消息将一并删除，无法恢复。"},
	"app.delete_do":                    {"Delete", "删除"},
	"app.domain":                       {"Domain", "域"},
	"app.of":                           {"%d of %d", "%d / %d"},
	"did./apps":                        {"created an app", "创建应用"},
	"did./apps/{app}/delete":           {"deleted an app", "删除应用"},
	"did./apps/{app}/permissions":      {"changed permissions", "修改权限"},
	"did./apps/{app}/redirects/add":    {"added an address after login", "添加登录回调地址"},
	"did./apps/{app}/redirects/remove": {"removed an address after login", "移除登录回调地址"},
}
