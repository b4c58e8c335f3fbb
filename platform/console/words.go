package console

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// A language is one of the pages, as in their lang attribute.
type language string

const (
	english language = "en"
	chinese language = "zh-CN"
)

// A phrase is a text of the pages: in English, and in Chinese.
type phrase [2]string

// phrases has all texts of the pages, each once. The files of pages have their own.
var phrases = joined(commonPhrases, loginPhrases, overviewPhrases, curvesPhrases, livePhrases, apisPhrases, auditPhrases, queuesPhrases, messagePhrases, parkedPhrases, callPhrases, causePhrases, appsPhrases, keysPhrases, secretPhrases, membersPhrases, usersPhrases)

func joined(tables ...map[string]phrase) map[string]phrase {
	all := make(map[string]phrase)
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// phrase returns a text in the language. One that is unknown shows its name, which tests
// find.
func (l language) phrase(id string, args ...any) string {
	p, ok := phrases[id]
	if !ok {
		return id
	}
	text := p[0]
	if l == chinese {
		text = p[1]
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// knownPhrase returns the name of a phrase, or "" for one that there is not: others write
// links, too.
func knownPhrase(id string) string {
	if p, ok := phrases[id]; !ok || strings.Contains(p[0], "%") {
		return ""
	}
	return id
}

// languageOf returns the language that a browser asks for, of those that there are the
// first.
func languageOf(r *http.Request) language {
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		switch tag = strings.ToLower(strings.TrimSpace(tag)); {
		case strings.HasPrefix(tag, "zh"):
			return chinese
		case strings.HasPrefix(tag, "en"):
			return english
		}
	}
	return english
}

var commonPhrases = map[string]phrase{
	"console":        {"Prism console", "Prism 控制台"},
	"nav.overview":   {"Overview", "概览"},
	"nav.live":       {"Live", "实时"},
	"nav.calls":      {"Calls", "调用"},
	"nav.apis":       {"APIs", "API"},
	"nav.queues":     {"Queues", "队列"},
	"nav.routing":    {"Routing", "路由"},
	"nav.apps":       {"Apps", "应用"},
	"nav.members":    {"Members", "成员"},
	"nav.users":      {"Users", "用户"},
	"nav.audit":      {"Audit log", "审计日志"},
	"nav.main":       {"Main", "主导航"},
	"nav.skip":       {"Skip to the content", "跳到正文"},
	"domain":         {"Domain", "域"},
	"domain.choose":  {"Show", "切换"},
	"language.other": {"中文", "English"},
	"sign_out":       {"Sign out", "退出登录"},
	"role.operator":  {"operator", "运营者"},
	"role.admin":     {"admin", "管理员"},
	"role.provider":  {"provider", "提供方"},
	"role.developer": {"developer", "开发者"},
	"error.title":    {"This did not work", "操作未成功"},
	"error.back":     {"Back to the overview", "返回概览"},
	"page.stale":     {"The platform does not answer, or refuses: this shows how it was before, and goes on by itself when it can.", "平台无响应或拒绝了请求：当前显示的是之前的内容，恢复后将自动更新。"},
	"search":         {"Search", "搜索"},
	"time":           {"Time", "时间"},
	"none":           {"There are none.", "没有内容。"},
	"confirm":        {"To confirm, type %s", "请输入 %s 以确认"},
	"yes":            {"yes", "是"},
	"no":             {"no", "否"},
}

var loginPhrases = map[string]phrase{
	"login.title":     {"Sign in", "登录"},
	"login.to":        {"to the Prism console", "Prism 控制台"},
	"login.login":     {"Login", "账号"},
	"login.password":  {"Password", "密码"},
	"login.enter":     {"Sign in", "登录"},
	"login.wrong":     {"Login or password is wrong.", "账号或密码不正确。"},
	"login.no_users":  {"Nobody can sign in here yet, as the platform has no users. Make one with \"prismctl user create LOGIN\", and let it in with \"prismctl user role LOGIN operator\".", "平台还没有用户，暂时无人可登录。请用 prismctl user create LOGIN 创建用户，再用 prismctl user role LOGIN operator 授予角色。"},
	"login.no_role":   {"This user may not use the console: an operator gives a role with \"prismctl user role\".", "该用户无权使用控制台：运营者可用 prismctl user role 授予角色。"},
	"login.too_many":  {"Too many attempts have failed. Please try again in %d min.", "失败次数过多，请在 %d 分钟后再试。"},
	"login.link_used": {"This link was used already, or is too old. \"prismctl serve\" prints a new one at its start; users with a role can sign in here.", "该链接已被使用或已过期。prismctl serve 启动时会显示新的链接；有角色的用户可在此登录。"},
	"enter.title":     {"Prism console", "Prism 控制台"},
	"enter.text":      {"This link works once, in this browser.", "此链接只能使用一次，仅限本浏览器。"},
	"enter.enter":     {"Open the console", "打开控制台"},
}
