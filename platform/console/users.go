package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// The pages of users: those who log in to apps, and to the console if they have a role. A
// login may have any characters, so it is in no path.

func (c *Console) usersRoutes() {
	c.page("/users", "users", (*request).users)
	c.page("/users/user", "user", (*request).user)
	c.page("/users/domains", "domains", (*request).domains)
	c.change("/users", (*request).createUser)
	c.change("/users/password", (*request).setPassword)
	c.change("/users/role", (*request).setRole)
	c.change("/users/delete", (*request).deleteUser)
	for _, what := range []string{"disable", "enable", "sessions"} {
		c.change("/users/"+what, func(r *request) (string, error) {
			return r.atUser("users." + what), r.post("platform/user/"+what, url.Values{"login": {r.PostFormValue("login")}}, nil)
		})
	}
}

// A userDoc is a user and the role, of which one may be missing.
type userDoc struct {
	ID       string `json:"Id,omitempty"`
	Login    string `json:"Login"`
	Disabled bool   `json:"Disabled,omitempty"`
	Since    string `json:"Since,omitempty"`
	Role     string `json:"Role,omitempty"`
	Domain   string `json:"Domain,omitempty"`
	Member   string `json:"Member,omitempty"`
	Known    bool   `json:"Known"` // there is such a user here
}

type usersPage struct {
	listed
	Users     []userDoc `json:"users"`
	Elsewhere bool      `json:"elsewhere,omitempty"` // the platform asks elsewhere who its users are
	Nobody    bool      `json:"nobody,omitempty"`    // the platform has no users at all
}

// allUsers returns the users and the roles, by login.
func (r *request) allUsers() (all []userDoc, elsewhere bool, err error) {
	if err = r.get("platform/user/list", nil, &all); hasCode(err, "unknown_api") {
		elsewhere, err = true, nil
	}
	if err != nil {
		return nil, false, err
	}
	at := make(map[string]int)
	for i := range all {
		all[i].Known = true
		at[all[i].Login] = i
	}
	var roles []userDoc
	if err := r.get("platform/user/role/list", nil, &roles); err != nil {
		return nil, false, err
	}
	for _, role := range roles {
		i, ok := at[role.Login]
		if !ok {
			all = append(all, role)
			continue
		}
		all[i].Role, all[i].Domain, all[i].Member = role.Role, role.Domain, role.Member
	}
	slices.SortFunc(all, func(a, b userDoc) int { return strings.Compare(a.Login, b.Login) })
	return all, elsewhere, nil
}

func (r *request) users() (any, error) {
	all, elsewhere, err := r.allUsers()
	if err != nil {
		return nil, err
	}
	has := r.c.cfg.Platform.HasUsers()
	page := usersPage{Elsewhere: elsewhere && has, Nobody: !has}
	page.listed, page.Users = cutList(r, all, func(u userDoc, text string) bool { return hasText(text, u.Login, u.ID, u.Role, u.Domain, u.Member) })
	return page, nil
}

type userPage struct {
	User      userDoc `json:"user"`
	Elsewhere bool    `json:"elsewhere,omitempty"`
}

func (r *request) user() (any, error) {
	all, elsewhere, err := r.allUsers()
	if err != nil {
		return nil, err
	}
	login := r.URL.Query().Get("login")
	i := slices.IndexFunc(all, func(u userDoc) bool { return u.Login == login })
	switch {
	case i >= 0:
		return userPage{all[i], elsewhere}, nil
	case elsewhere && login != "": // may be given a role
		return userPage{userDoc{Login: login}, true}, nil
	}
	return nil, &callError{Status: http.StatusNotFound, Code: "unknown_user", Message: "there is no user with this login"}
}

// atUser returns the page of the user that a form is about.
func (r *request) atUser(phrase string) string {
	return "users/user?" + url.Values{"login": {r.PostFormValue("login")}, "done": {phrase}}.Encode()
}

// hash returns the hash of the password in the form, as a call takes it. It takes so much of
// a processor that only those whose call would be taken get it, and few at a time.
func (r *request) hash() (string, error) {
	if r.person.Role != platform.OperatorRole {
		return "", &callError{Status: http.StatusForbidden, Code: "forbidden_users", Message: "users are administered by operators"}
	}
	password := r.PostFormValue("password")
	if password == "" || len(password) > 1024 {
		return "", &callError{Status: http.StatusBadRequest, Code: "invalid_parameter", Message: "the password must have 1 to 1024 bytes"}
	}
	select {
	case r.c.hashing <- struct{}{}:
	case <-r.Context().Done():
		return "", r.Context().Err()
	}
	defer func() { <-r.c.hashing }()
	return r.c.cfg.Registry.HashPassword(password)
}

func (r *request) createUser() (string, error) {
	hash, err := r.hash()
	if err != nil {
		return "", err
	}
	params := r.params("id")
	params.Set("login", r.PostFormValue("login"))
	params.Set("password_hash", hash)
	return r.atUser("users.created"), r.post("platform/user/create", params, nil)
}

func (r *request) setPassword() (string, error) {
	hash, err := r.hash()
	if err != nil {
		return "", err
	}
	return r.atUser("users.password_set"), r.post("platform/user/password", url.Values{"login": {r.PostFormValue("login")}, "password_hash": {hash}}, nil)
}

// setRole gives a role, or takes it away.
func (r *request) setRole() (string, error) {
	login := r.PostFormValue("login")
	all, _, err := r.allUsers()
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(all, func(u userDoc) bool { return u.Login == login }); i >= 0 && all[i].Role != "" {
		r.before = strings.TrimSpace(all[i].Role + " " + all[i].Domain + " " + all[i].Member)
	}
	params := url.Values{"login": {login}}
	role := r.value("role")
	if role == "" {
		return r.atUserOrAll("users.role_removed", all), r.post("platform/user/role/remove", params, nil)
	}
	params.Set("role", role)
	if role != string(platform.OperatorRole) {
		params.Set("domain", r.value("domain"))
	}
	if role != string(platform.OperatorRole) && role != string(platform.AdminRole) {
		params.Set("member", r.value("member"))
	}
	r.after = strings.TrimSpace(role + " " + params.Get("domain") + " " + params.Get("member"))
	return r.atUser("users.role_set"), r.post("platform/user/role/set", params, nil)
}

// atUserOrAll returns the page of the user; that of all if it is none without a role.
func (r *request) atUserOrAll(phrase string, all []userDoc) string {
	if slices.ContainsFunc(all, func(u userDoc) bool { return u.Known && u.Login == r.PostFormValue("login") }) {
		return r.atUser(phrase)
	}
	return "users?done=" + phrase
}

func (r *request) deleteUser() (string, error) {
	login := r.PostFormValue("login")
	if r.PostFormValue("confirm") != login {
		return "", r.confirmed(login)
	}
	return "users?done=users.deleted", r.post("platform/user/delete", url.Values{"login": {login}}, nil)
}

// domains has the domains that there are, for the field in which an operator chooses one.
func (r *request) domains() (any, error) {
	if r.person.Role != platform.OperatorRole {
		return nil, &callError{Status: http.StatusForbidden, Code: "forbidden_admin", Message: "the domains are for operators"}
	}
	apps, err := r.c.cfg.Registry.Apps(r.Context())
	if err != nil {
		return nil, err
	}
	domains := []string{"default"}
	for _, app := range apps {
		domains = append(domains, app.Exchange())
	}
	slices.Sort(domains)
	domains = slices.Compact(domains)
	return domains[:min(len(domains), rowsOfPage)], nil
}

// AtLogin returns the address of the page of a user.
func (v *view) AtLogin(login string) string {
	return v.At(url.Values{"login": {login}}.Encode(), "users", "user")
}

// Roles returns the roles that a user may have.
func (v *view) Roles() []string { return []string{"operator", "admin", "provider", "developer"} }

var usersPhrases = map[string]phrase{
	"users.title":        {"Users", "用户"},
	"users.text":         {"Users log in to the apps of all domains. One with a role may sign in to this console, too.", "用户可登录所有域的应用；拥有角色的用户还可登录本控制台。"},
	"users.elsewhere":    {"This platform asks elsewhere who its users are: a database or an HTTP API. List and change them there; here you give them roles.", "本平台通过外部数据库或 HTTP API 识别用户，请在那里管理用户；此处仅管理角色。"},
	"users.nobody":       {"Nobody can log in, as this platform was made without users. \"prismctl serve\" has some: make one with \"prismctl user create LOGIN\". A program gives the platform users by Config.Users.", "本平台未配置用户，无人可登录。prismctl serve 支持用户：使用 prismctl user create LOGIN 创建；自行编写的程序请设置 Config.Users。"},
	"users.login":        {"Login", "账号"},
	"users.id":           {"ID", "ID"},
	"users.id_hint":      {"What apps know the user by. Empty: the login.", "应用识别用户所用的 ID。留空则与账号相同。"},
	"users.role":         {"Role in the console", "控制台角色"},
	"users.no_role":      {"none", "无"},
	"users.state":        {"May log in", "可登录"},
	"users.unknown":      {"unknown here", "此处未知"},
	"users.domain":       {"Domain", "域"},
	"users.domain_hint":  {"For an admin, and for the member of a provider or developer. Empty: default.", "用于管理员，以及提供方或开发者的成员。留空为 default。"},
	"users.member":       {"Member", "成员"},
	"users.member_hint":  {"The email of the member that a provider or developer is. Empty: the login.", "提供方或开发者对应的成员邮箱。留空则与账号相同。"},
	"users.since":        {"Sessions are good since", "会话起始有效时间"},
	"users.none":         {"There is no user yet. Create one below, or with \"prismctl user create LOGIN\".", "还没有用户。可在下方创建，或使用 prismctl user create LOGIN。"},
	"users.none_found":   {"No user agrees with this search.", "没有符合搜索条件的用户。"},
	"users.create":       {"Create a user", "创建用户"},
	"users.give":         {"Give a role to a user who is elsewhere", "为外部用户授予角色"},
	"users.open":         {"Open", "打开"},
	"users.password":     {"Password", "密码"},
	"users.created":      {"The user was created.", "用户已创建。"},
	"users.password_set": {"The password was changed. What the user had begun has ended.", "密码已修改，该用户的会话已结束。"},
	"users.disable":      {"The user is disabled. What the user had begun has ended.", "用户已停用，其会话已结束。"},
	"users.enable":       {"The user may log in again.", "用户已恢复登录。"},
	"users.sessions":     {"The sessions and tokens of the user have ended.", "该用户的会话和令牌已结束。"},
	"users.role_set":     {"The role was changed. It counts from the next page on.", "角色已修改，从下一个页面起生效。"},
	"users.role_removed": {"The role was taken away. It counts from the next page on.", "角色已取消，从下一个页面起生效。"},
	"users.deleted":      {"The user was deleted.", "用户已删除。"},
	"user.title":         {"User", "用户"},
	"user.set_role":      {"Change the role", "修改角色"},
	"user.set_password":  {"Set the password", "设置密码"},
	"user.password_text": {"What the user has begun ends with it.", "该用户的现有会话将随之结束。"},
	"user.access":        {"Access", "访问"},
	"user.disable":       {"Disable", "停用"},
	"user.enable":        {"Let the user log in again", "恢复登录"},
	"user.sessions":      {"End all sessions", "结束所有会话"},
	"user.access_text":   {"Disabling refuses the user's logins and ends sessions and tokens; ending sessions lets the user log in again.", "停用后拒绝登录并结束会话和令牌；仅结束会话时用户可重新登录。"},
	"user.delete":        {"Delete this user", "删除此用户"},
	"user.delete_text":   {"The role goes with the user. This cannot be undone.", "角色将一并删除，无法恢复。"},

	"did./users":          {"created a user", "创建用户"},
	"did./users/role":     {"changed the role of a user", "修改用户角色"},
	"did./users/password": {"set a password", "设置密码"},
	"did./users/delete":   {"deleted a user", "删除用户"},
	"did./users/disable":  {"disabled a user", "停用用户"},
	"did./users/enable":   {"let a user log in again", "恢复用户登录"},
	"did./users/sessions": {"ended the sessions of a user", "结束用户会话"},
}
