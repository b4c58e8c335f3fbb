package console

import "net/url"

// serviceChanges serves the forms that change a service.
func (c *Console) serviceChanges() {
	for name, change := range map[string]func(*request, string) error{
		"online":      func(r *request, id string) error { return r.setOnline(id, true) },
		"offline":     func(r *request, id string) error { return r.setOnline(id, false) },
		"backend":     (*request).setBackend,
		"config":      (*request).setConfig,
		"node":        (*request).addNode,
		"node/remove": (*request).removeNode,
		"bind":        (*request).bindApp,
		"unbind":      (*request).unbindApp,
		"restore":     (*request).restoreService,
	} {
		c.change("/apis/{service}/"+name, func(r *request) (string, error) {
			id := r.PathValue("service")
			return "apis/" + url.PathEscape(id) + "?done=apis.done", change(r, id)
		})
	}
	c.change("/apis/{service}/delete", func(r *request) (string, error) { return "apis?done=apis.deleted", r.deleteService() })
}

func (r *request) setOnline(id string, online bool) error {
	call := "platform/manageapi/offline"
	if online {
		call = "platform/manageapi/online"
	}
	r.before, r.after = map[string]bool{"online": !online}, map[string]bool{"online": online}
	return r.post(call, url.Values{"Id": {id}}, nil)
}

// setBackend sets the address whose field the form has; an empty one is that of the file.
func (r *request) setBackend(id string) error {
	params, named := url.Values{"Id": {id}}, []string{}
	for _, name := range []string{"backend", "sandbox"} {
		if r.PostForm.Has(name) {
			params.Set(name, r.value(name))
			named = append(named, name)
		}
	}
	r.after = map[string]any{"changed": named}
	return r.post("platform/manageapi/backend", params, nil)
}

// setConfig keeps the value as it is typed: space may be part of a secret.
func (r *request) setConfig(id string) error {
	name := r.value("key")
	r.after = map[string]string{"config": name}
	return r.post("platform/service/config/set", url.Values{"Id": {id}, "key": {name}, "value": {r.PostFormValue("value")}}, nil)
}

func (r *request) addNode(id string) error {
	node := r.value("node_id")
	r.after = map[string]string{"node": node}
	return r.post("platform/manageapi/node/add", url.Values{"api": {id}, "node_id": {node}, "data": {r.value("data")}}, nil)
}

func (r *request) removeNode(id string) error {
	node := r.PostFormValue("node_id")
	if err := r.confirmed(node); err != nil {
		return err
	}
	r.before = map[string]string{"node": node}
	return r.post("platform/manageapi/node/remove", url.Values{"api": {id}, "node_id": {node}}, nil)
}

func (r *request) bindApp(id string) error {
	params := url.Values{"api_id": {id}}
	for _, name := range []string{"app_id", "path", "limit_count", "limit_seconds"} {
		if value := r.value(name); value != "" {
			params.Set(name, value)
		}
	}
	r.after = map[string]string{"app": params.Get("app_id"), "path": params.Get("path"), "limit_count": params.Get("limit_count"), "limit_seconds": params.Get("limit_seconds")}
	return r.post("platform/manageapp/bind", params, nil)
}

func (r *request) unbindApp(id string) error {
	app, path := r.value("app_id"), r.value("path")
	r.before = map[string]string{"app": app, "path": path}
	return r.post("platform/manageapp/unbind", url.Values{"api_id": {id}, "app_id": {app}, "path": {path}}, nil)
}

func (r *request) restoreService(id string) error {
	return r.post("platform/service/restore", url.Values{"Id": {id}}, nil)
}

func (r *request) deleteService() error {
	id := r.PathValue("service")
	var info serviceInfo
	if err := r.get("platform/service/info", url.Values{"Id": {id}}, &info); err != nil {
		return err
	}
	if err := r.confirmed(info.Path); err != nil {
		return err
	}
	r.before = map[string]string{"prefix": info.Path}
	return r.post("platform/service/delete", url.Values{"Id": {id}}, nil)
}
