package platform

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// A route is an API that the platform serves itself.
type route struct {
	methods []string
	admin   bool // for admin keys only, unless role is set
	role    Role // the least role of the members who may call it, too
	changes bool // it changes something, so the same signature does not count twice
	tail    bool // the path may have one more element, which names an app, key or user
	lists   bool // reads all records of a kind
	large   bool // its answer may have megabytes
	// Exactly one is set: serve returns the result to answer with, channel takes
	// over the connection or answers without an end.
	serve   func(ctx context.Context, c *call) (any, error)
	channel func(w *answer, r *http.Request, c *call) error
}

// routeTable lists the APIs by their path below the base path.
func (p *Platform) routeTable() map[string]route {
	get, post, write := []string{"GET"}, []string{"POST"}, []string{"POST", "PUT"}
	routes := map[string]route{
		"platform/notify":               {methods: get, channel: p.serveChannel},
		"notify":                        {methods: get, channel: p.serveChannel},
		"platform/activity/tail":        {methods: get, channel: p.activityTail},
		"platform/notify/status":        {methods: get, serve: p.ofKey(p.queueStatus)},
		"platform/notify/read":          {methods: get, serve: p.ofKey(p.queueRead), large: true},
		"platform/notify/write":         {methods: write, serve: p.ofKey(p.queueWrite)},
		"platform/notify/peek":          {methods: get, serve: p.ofKey(p.queuePeek), large: true},
		"platform/notify/purge":         {methods: post, serve: p.ofKey(p.queuePurge)},
		"platform/notify/queue/create":  {methods: get, serve: p.ofKey(p.queueCreate)},
		"platform/notify/queue/list":    {methods: get, serve: p.ofKey(p.queueList)},
		"platform/notify/queue/drop":    {methods: get, serve: p.ofKey(p.queueDrop)},
		"platform/notify/queue/limit":   {methods: []string{"GET", "POST"}, serve: p.ofKey(p.queueLimit)},
		"platform/notify/queue/park":    {methods: post, serve: p.ofKey(p.queuePark)},
		"platform/notify/queue/parked":  {methods: get, serve: p.ofKey(p.queueParked), large: true},
		"platform/notify/queue/unpark":  {methods: post, serve: p.ofKey(p.queueUnpark)},
		"platform/notify/queue/discard": {methods: post, serve: p.ofKey(p.queueDiscard)},
		"platform/notify/routing/set":   {methods: post, serve: p.ofKey(p.routingSet)},
		"platform/notify/routing/unset": {methods: post, serve: p.ofKey(p.routingUnset)},
		"platform/notify/routing/list":  {methods: get, serve: p.ofKey(p.routingList)},
		"platform/notify/routing/test":  {methods: get, serve: p.ofKey(p.routingTest)},
	}
	maps.Copy(routes, p.adminTable())
	maps.Copy(routes, p.serviceTable())
	maps.Copy(routes, p.callTable())
	maps.Copy(routes, p.roleTable())
	maps.Copy(routes, p.queuesTable())
	maps.Copy(routes, p.statusTable())
	if p.cfg.Users != nil {
		routes["platform/oauth/session_check"] = route{methods: post, serve: p.sessionCheck}
		routes["platform/oauth/user"] = route{methods: get, serve: p.oauthUser}
	}
	if users, ok := p.cfg.Users.(*Registry); ok {
		maps.Copy(routes, p.userTable(users))
	} else if p.cfg.Users != nil {
		maps.Copy(routes, usersElsewhere(p.userTable(nil)))
	}
	return routes
}

// adminTable lists the APIs that provision.
func (p *Platform) adminTable() map[string]route {
	post, list := []string{"POST"}, []string{"GET", "POST"}
	info := []string{"GET"}
	return map[string]route{
		"platform/app/create":              {admin: true, role: DeveloperRole, lists: true, changes: true, methods: post, serve: p.appCreate},
		"platform/app/info":                {admin: true, role: DeveloperRole, lists: true, methods: info, serve: p.appInfo, tail: true},
		"platform/app/list":                {admin: true, role: DeveloperRole, lists: true, methods: list, serve: p.appList},
		"platform/app/delete":              {admin: true, role: DeveloperRole, lists: true, changes: true, methods: post, serve: p.appDelete},
		"platform/app/disable":             {admin: true, changes: true, methods: post, serve: p.appDisable},
		"platform/app/enable":              {admin: true, changes: true, methods: post, serve: p.appEnable},
		"platform/app/redirect/add":        {admin: true, changes: true, methods: post, serve: p.redirectAdd},
		"platform/app/redirect/remove":     {admin: true, changes: true, methods: post, serve: p.redirectRemove},
		"platform/app/redirect/list":       {admin: true, methods: list, serve: p.redirectList},
		"platform/manageapp/list":          {admin: true, lists: true, methods: list, serve: p.appList},
		"platform/manageapp/queue/publish": {admin: true, changes: true, methods: post, serve: p.allowPublish},
		"platform/manageapp/queue/consume": {admin: true, lists: true, changes: true, methods: post, serve: p.allowListen},
		"platform/key/create":              {admin: true, role: DeveloperRole, lists: true, changes: true, methods: post, serve: p.keyCreate},
		"platform/key/info":                {admin: true, role: DeveloperRole, methods: info, serve: p.keyInfo, tail: true},
		"platform/key/list":                {admin: true, role: DeveloperRole, lists: true, methods: list, serve: p.keyList},
		"platform/key/delete":              {admin: true, role: DeveloperRole, changes: true, methods: post, serve: p.keyDelete},
		"platform/key/expire":              {admin: true, role: DeveloperRole, changes: true, methods: post, serve: p.keyExpire},
		"platform/key/rotate":              {admin: true, changes: true, methods: post, serve: p.keyRotate},
		"platform/key/push":                {admin: true, changes: true, methods: post, serve: p.pushSet},
		"platform/key/push/rotate":         {admin: true, changes: true, methods: post, serve: p.pushRotate},
		"platform/key/push/stop":           {admin: true, changes: true, methods: post, serve: p.pushStop},
	}
}

// serviceTable lists the APIs that manage services, what apps may call of them, and
// members.
func (p *Platform) serviceTable() map[string]route {
	get, post, both := []string{"GET"}, []string{"POST"}, []string{"GET", "POST"}
	return map[string]route{
		"platform/service/import":             {admin: true, role: ProviderRole, lists: true, changes: true, methods: post, serve: p.serviceImport},
		"platform/service/refresh":            {admin: true, role: ProviderRole, lists: true, changes: true, methods: post, serve: p.serviceRefresh},
		"platform/service/restore":            {admin: true, role: ProviderRole, changes: true, methods: post, serve: p.serviceRestore},
		"platform/service/list":               {admin: true, role: ProviderRole, lists: true, methods: both, serve: p.serviceList},
		"platform/service/info":               {admin: true, role: ProviderRole, methods: both, serve: p.serviceInfo},
		"platform/service/file":               {admin: true, role: ProviderRole, large: true, methods: both, serve: p.serviceFile},
		"platform/service/apis":               {admin: true, role: DeveloperRole, lists: true, methods: both, serve: p.apisList},
		"platform/service/api":                {admin: true, role: DeveloperRole, lists: true, methods: both, serve: p.apiShow},
		"platform/service/delete":             {admin: true, role: ProviderRole, lists: true, changes: true, methods: post, serve: p.serviceDelete},
		"platform/service/config/get":         {admin: true, role: ProviderRole, methods: both, serve: p.configGet},
		"platform/service/config/set":         {admin: true, role: ProviderRole, changes: true, methods: post, serve: p.configSet},
		"platform/manageapi/list":             {admin: true, lists: true, methods: both, serve: p.serviceList},
		"platform/manageapi/online":           {admin: true, changes: true, methods: post, serve: p.setOnline(true)},
		"platform/manageapi/offline":          {admin: true, changes: true, methods: post, serve: p.setOnline(false)},
		"platform/manageapi/backend":          {admin: true, changes: true, methods: post, serve: p.setBackend},
		"platform/manageapi/modify/remoteurl": {admin: true, lists: true, changes: true, methods: post, serve: p.moveSource},
		"platform/manageapi/node/add":         {admin: true, changes: true, methods: both, serve: p.nodeAdd},
		"platform/manageapi/node/remove":      {admin: true, changes: true, methods: both, serve: p.nodeRemove},
		"platform/manageapp/bind":             {admin: true, changes: true, methods: post, serve: p.apiBind},
		"platform/manageapp/unbind":           {admin: true, changes: true, methods: post, serve: p.apiUnbind},
		"platform/manageapp/bindlist":         {admin: true, lists: true, methods: both, serve: p.bindList},
		"platform/manageuser/create":          {admin: true, lists: true, changes: true, methods: post, serve: p.memberCreate},
		"platform/manageuser/active":          {admin: true, changes: true, methods: post, serve: p.memberRole(DeveloperRole)},
		"platform/manageuser/apiprovider":     {admin: true, changes: true, methods: post, serve: p.memberRole(ProviderRole)},
		"platform/manageuser/disable":         {admin: true, changes: true, methods: post, serve: p.memberRole("")},
		"platform/manageuser/info":            {admin: true, lists: true, methods: get, serve: p.memberInfo, tail: true},
		"platform/manageoauth/config/get":     {admin: true, methods: both, serve: p.oauthConfigGet},
		"platform/manageoauth/config/set":     {admin: true, changes: true, methods: post, serve: p.oauthConfigSet},
	}
}

// notAllowed returns the failure for a key that may not make the call.
func (api route) notAllowed() *failure {
	message := "this call is for admin keys, which the operator of the platform makes"
	switch api.role {
	case DeveloperRole:
		message += ", and for members that are developers: platform/manageuser/active makes them such"
	case ProviderRole:
		message += ", and for members that are providers: platform/manageuser/apiprovider makes them such"
	}
	return adminOnly(message)
}

// find returns the API that a call names. For an API with a tail it sets the tail of the
// call.
func (p *Platform) find(c *call) (route, bool) {
	if c.sandbox { // has services only
		return route{}, false
	}
	if api, ok := p.routes[c.api]; ok {
		return api, true
	}
	end := max(0, strings.LastIndexByte(c.api, '/'))
	api := p.routes[c.api[:end]]
	if !api.tail {
		return route{}, false
	}
	c.tail = c.api[end+1:]
	return api, true
}

// route passes a verified call to the API that it names.
func (p *Platform) route(w *answer, r *http.Request, c *call) error {
	api, ok := p.find(c)
	if api.admin { // answers have secrets
		w.Header().Set("Cache-Control", "no-store")
	}
	switch {
	case c.oauth == "token":
		return p.token(w, r, c)
	case !ok && c.api != "":
		return p.throughGateway(w, r, c)
	case !ok:
		return p.unknownAPI(c)
	case !slices.Contains(api.methods, r.Method):
		return wrongMethod(r, api.methods)
	case api.admin && !c.key.Admin && (api.role == "" || !c.app.Role.covers(api.role)):
		return api.notAllowed()
	case api.channel != nil:
		return api.channel(w, r, c)
	}
	if err := p.boundBody(r, c); err != nil {
		return err
	}
	if api.changes && !p.cfg.RefuseReplays {
		if err := p.once(r, c); err != nil {
			return err
		}
	}
	if api.lists {
		leave, err := p.enterList(r)
		if err != nil {
			return err
		}
		defer leave()
	}
	if api.lists || api.large {
		defer p.limitWriting(w)()
	}
	result, err := api.serve(r.Context(), c)
	if err != nil {
		return err
	}
	return w.succeed(result)
}

// mostLists is how many calls may read all records of a kind at a time. Each holds
// megabytes until its answer is written.
const mostLists = 4

// enterList waits until the call may read all records of a kind. leave must be called
// after that.
func (p *Platform) enterList(r *http.Request) (leave func(), err error) {
	select {
	case p.lists <- struct{}{}:
		return func() { <-p.lists }, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// limitWriting ends the connection of a caller that has not read its answer after
// WriteTimeout, until end is called.
func (p *Platform) limitWriting(w *answer) (end func()) {
	conn := http.NewResponseController(w)
	conn.SetWriteDeadline(time.Now().Add(p.cfg.WriteTimeout)) // where there are no deadlines, the server's own limits have to do
	return func() { conn.SetWriteDeadline(time.Time{}) }
}

func (p *Platform) unknownAPI(c *call) *failure {
	message := "the platform has no API at this path"
	if c.api == "" {
		message += "; APIs are below " + p.cfg.BasePath + "/"
	}
	return &failure{status: http.StatusNotFound, code: code.UnknownAPI, message: message}
}

func wrongMethod(r *http.Request, methods []string) *failure {
	return &failure{
		status:  http.StatusMethodNotAllowed,
		code:    code.MethodNotAllowed,
		message: shorten(r.Method, 32) + " is not for this API; use " + strings.Join(methods, " or "),
		header:  http.Header{"Allow": {strings.Join(methods, ", ")}},
	}
}
