package console

import (
	"net/http"
	"net/url"
	"slices"
)

// The page of members: persons or companies with a key of their own, within a domain. It
// makes no call to platform/manageuser/info, which answers with a secret.

func (c *Console) membersRoutes() {
	c.page("/members", "members", (*request).members)
	c.change("/members", (*request).createMember)
	c.change("/members/role", (*request).memberRole)
}

type membersPage struct {
	listed
	Members []appDoc `json:"members"`
}

func (r *request) members() (any, error) {
	if !r.administers() {
		return nil, &callError{Status: http.StatusForbidden, Code: "forbidden_admin", Message: "the members of a domain are for its admins"}
	}
	var apps []appDoc
	if err := r.get("platform/app/list", nil, &apps); err != nil {
		return nil, err
	}
	apps = slices.DeleteFunc(apps, func(a appDoc) bool { return a.Email == "" })
	var page membersPage
	page.listed, page.Members = cutList(r, apps, func(a appDoc, text string) bool { return hasText(text, a.Email, a.Summary, a.ID, a.Role) })
	return page, nil
}

func (r *request) createMember() (string, error) {
	var made struct{ ID string }
	if err := r.post("platform/manageuser/create", r.params("email", "summary"), &made); err != nil {
		return "", err
	}
	if role := r.value("role"); role != "" {
		if err := r.giveMemberRole(role); err != nil {
			return "", err
		}
	}
	r.after = r.value("role")
	return "apps/" + url.PathEscape(made.ID) + "?done=members.created", nil
}

func (r *request) memberRole() (string, error) {
	role := r.value("role")
	r.after = role
	return "members?done=members.changed", r.giveMemberRole(role)
}

func (r *request) giveMemberRole(role string) error {
	call, ok := map[string]string{"": "disable", "developer": "active", "provider": "apiprovider"}[role]
	if !ok {
		return &callError{Status: http.StatusBadRequest, Code: "invalid_parameter", Message: "role is developer, provider, or empty"}
	}
	return r.post("platform/manageuser/"+call, url.Values{"email": {r.value("email")}}, nil)
}

var membersPhrases = map[string]phrase{
	"members.title":      {"Members", "成员"},
	"members.text":       {"A member is a person or company with a key of its own in this domain. Developers make apps and keys, providers also import services; each sees only its own.", "成员是本域内拥有独立 Key 的个人或公司。开发者可创建应用和 Key，提供方还可导入服务；各自只能看到自己的内容。"},
	"members.email":      {"Email", "邮箱"},
	"members.role":       {"Role", "角色"},
	"members.none_role":  {"disabled", "已停用"},
	"members.none":       {"There is no member yet. Create one below.", "还没有成员，可在下方创建。"},
	"members.none_found": {"No member agrees with this search.", "没有符合搜索条件的成员。"},
	"members.create":     {"Create a member", "创建成员"},
	"members.created":    {"The member was created with a key. Give the key a new secret to see one.", "成员及其 Key 已创建。如需密钥，请为该 Key 更换密钥。"},
	"members.changed":    {"The role was changed.", "角色已修改。"},
	"members.change":     {"Change", "修改"},
	"did./members":       {"created a member", "创建成员"},
	"did./members/role":  {"changed the role of a member", "修改成员角色"},
}
