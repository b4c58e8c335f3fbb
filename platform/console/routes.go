package console

import (
	"net/http"
	"regexp"

	"github.com/shopex/prism-go/platform"
)

// routes serves all pages. Those of each part are listed in the part's file.
func (c *Console) routes() {
	c.mux.HandleFunc("GET "+c.base+"/static/{hash}/{file...}", c.static)
	for _, method := range []string{"GET ", "POST "} {
		c.mux.HandleFunc(method+c.base+"/login", c.login)
		c.mux.HandleFunc(method+c.base+"/enter", c.enterByLink)
	}
	c.change("/logout", c.logout)
	c.change("/language", chooseLanguage)
	c.change("/domain", chooseDomain)
	c.overviewRoutes()
	c.liveRoutes()
	c.apisRoutes()
	c.appsRoutes()
	c.membersRoutes()
	c.usersRoutes()
	c.auditRoutes()
	c.queuesRoutes()
	c.parkedRoutes()
	c.callRoutes()
	c.mux.HandleFunc(c.base+"/", func(w http.ResponseWriter, r *http.Request) {
		c.refuse(w, r, http.StatusNotFound, "not_found", "the console has no such page")
	})
}

// chooseLanguage shows the pages in another language from now on.
func chooseLanguage(r *request) (string, error) {
	lang := language(r.PostFormValue("lang"))
	if lang != english && lang != chinese {
		return "", &callError{Status: http.StatusBadRequest, Code: "invalid_parameter", Message: "lang is en or zh-CN"}
	}
	return local(r.PostFormValue("next")), r.c.changeSession(r.Context(), r.s, func(s *session) { s.Lang = lang })
}

var domains = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)

// chooseDomain lets an operator see another domain from now on.
func chooseDomain(r *request) (string, error) {
	if r.person.Role != platform.OperatorRole {
		return "", &callError{Status: http.StatusForbidden, Code: "forbidden", Message: "other domains are for operators"}
	}
	domain := r.value("domain")
	if !domains.MatchString(domain) {
		return "", &callError{Status: http.StatusBadRequest, Code: "invalid_parameter", Message: "a domain is of at most 64 letters, digits, - and _"}
	}
	return "", r.c.changeSession(r.Context(), r.s, func(s *session) { s.Domain = domain })
}
