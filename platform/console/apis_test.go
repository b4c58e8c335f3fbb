package console_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// goodsAt is the api.json of a service whose backend is at an address.
func goodsAt(address string) string {
	return `{"url":"` + address + `","prefix":"goods","summary":"Goods","mode":"path",
"config_values":[{"name":"token","issecret":true},{"name":"region","default":"cn"}],
"apis":{
"item.get":{"path":"item/{id}","method":["GET"],"summary":"One item","notes":"Reads it.\n\n- fast\n- safe\n\n` + "```\\nx < y\\n```" + `","params":[{"name":"fields","desc":"Which","type":"field_list"}]},
"item.add":{"path":"item","method":["POST"],"summary":"<script>alert(1)</script>","params":[{"name":"name","required":true}]}}}`
}

// echo is a backend that says what it gets, and a header that may be a secret.
func echo(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Set-Cookie", "sid=canary-cookie")
		fmt.Fprintf(w, `{"method":%q,"uri":%q,"body":%q}`, r.Method, r.URL.RequestURI(), body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

var seenField = regexp.MustCompile(`name="seen" value="([0-9a-f]{64})"`)

// importFile imports a text as a person does: it looks at the preview, and agrees.
func (b *browser) importFile(text string, more ...string) got {
	b.Helper()
	form := url.Values{"file": {text}}
	preview := b.post("/apis/import", form)
	seen := seenField.FindStringSubmatch(preview.body)
	if seen == nil {
		b.Fatalf("the preview: %d %s", preview.status, preview.body)
	}
	form.Set("seen", seen[1])
	for _, name := range more {
		form.Set(name, "1")
	}
	return b.post("/apis/import", form)
}

type foundPage struct {
	Services []struct{ ID, Prefix string }
	APIs     []struct{ API string }
	Total    int
	Page     int
}

// imported imports goods and returns the ID of the service.
func (b *browser) imported(address string) string {
	b.Helper()
	if got := b.importFile(goodsAt(address)); got.status != http.StatusSeeOther {
		b.Fatalf("the import: %d %s", got.status, got.body)
	}
	var page foundPage
	b.json("/apis?q=goods", &page)
	if len(page.Services) != 1 || page.Total != 2 {
		b.Fatalf("found %+v", page)
	}
	return page.Services[0].ID
}

func (b *browser) done(path string, form url.Values) {
	b.Helper()
	if got := b.post(path, form); got.status != http.StatusSeeOther {
		b.Fatalf("POST %s: %d %s", path, got.status, got.body)
	}
}

func TestAnImportIsSeenBeforeItIsDone(t *testing.T) {
	b := newSite(t).operator()
	address := echo(t)
	file := goodsAt(address)
	preview := b.post("/apis/import", url.Values{"file": {file}})
	for _, want := range []string{"/api/goods/item/{id}", address + "/item/{id}"} {
		if !strings.Contains(preview.body, want) {
			t.Errorf("the preview lacks %s", want)
		}
	}
	if page := b.get("/apis"); strings.Contains(page, "goods") {
		t.Error("a preview has imported the file")
	}
	b.imported(address)

	fewer := strings.Replace(file, `"item.add":{`, `"item.new":{`, 1)
	if got := b.post("/apis/import", url.Values{"file": {fewer}}); !strings.Contains(got.body, "breaks callers") || !strings.Contains(got.body, "item.add") {
		t.Errorf("what breaks is not named: %s", got.body)
	}
	if got := b.importFile(fewer); got.status != http.StatusConflict {
		t.Errorf("a change that breaks, without consent: %d", got.status)
	}
	if got := b.importFile(fewer, "force"); got.status != http.StatusSeeOther {
		t.Errorf("a change that breaks, with consent: %d", got.status)
	}
	if got := b.post("/apis/import", url.Values{"file": {file}, "force": {"1"}, "seen": {strings.Repeat("0", 64)}}); got.status != http.StatusOK || !strings.Contains(got.body, "since the preview") {
		t.Errorf("another file than was seen: %d", got.status)
	}
}

func TestAFaultyFileIsShownWithLineAndColumn(t *testing.T) {
	b := newSite(t).operator()
	got := b.post("/apis/import", url.Values{"file": {"{\"prefix\":\"x\",\n  \"mode\":\"sideways\"}"}}, "Accept", "application/json")
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"line":2`) || !strings.Contains(got.body, `"source":"  \"mode\":\"sideways\"}"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if page := b.post("/apis/import", url.Values{"file": {"<b>typed</b>"}}); !strings.Contains(page.body, "&lt;b&gt;typed&lt;/b&gt;") {
		t.Error("what was typed is lost")
	}
}

func TestAServiceIsChangedByItsPage(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	address := echo(t)
	at := "/apis/" + b.imported(address)
	b.done(at+"/online", nil)
	b.done(at+"/config", url.Values{"key": {"token"}, "value": {"canary-secret"}})
	b.done(at+"/config", url.Values{"key": {"region"}, "value": {"eu"}})
	b.done(at+"/node", url.Values{"node_id": {"n1"}, "data": {`{"token":"canary-node"}`}})
	b.done(at+"/bind", url.Values{"app_id": {"shop"}, "path": {"item.get"}, "limit_count": {"7"}, "limit_seconds": {"60"}})
	page := b.get(at)
	for _, want := range []string{"on line", "set, and not shown", "eu", "n1", "7 calls in 60 s"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page+b.send("GET", at, nil, "Accept", "application/json").body, "canary") {
		t.Error("the page shows a secret")
	}
	b.done(at+"/backend", url.Values{"sandbox": {"http://127.0.0.1:1/test"}})
	if page := b.get(at + "/api?id=item.get"); !strings.Contains(page, "http://127.0.0.1:1/test/item/{id}") || !strings.Contains(page, address+"/item/{id}") {
		t.Error("another address of the sandbox does not count, or changes that of the backend")
	}
	b.done(at+"/unbind", url.Values{"app_id": {"shop"}, "path": {"item.get"}})
	for _, path := range []string{at + "/node/remove", at + "/delete"} {
		if got := b.post(path, url.Values{"node_id": {"n1"}}); got.status != http.StatusBadRequest {
			t.Errorf("%s without the name: %d", path, got.status)
		}

	}
	b.done(at+"/node/remove", url.Values{"node_id": {"n1"}, "confirm": {"n1"}})
	b.done(at+"/delete", url.Values{"confirm": {"goods"}})
	if got := b.send("GET", at, nil); got.status != http.StatusNotFound {
		t.Errorf("a deleted service: %d", got.status)
	}
}

func TestACallIsTriedThroughTheGateway(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	at := "/apis/" + b.imported(echo(t))
	b.done(at+"/config", url.Values{"key": {"token"}, "value": {"t"}})
	form := url.Values{"key": {"shop-key"}, "method": {"GET"}, "p.id": {"a/b 1"}, "p.fields": {"name"}, "more": {"x=1\nclient_id=chief\npassword=canary-password"}}
	try := func() (answer struct {
		Alert string
		Form  struct{ More string }
		Tried *struct {
			ID     string
			Status int
			Body   string
		}
	}) {
		t.Helper()
		got := b.post(at+"/api?id=item.get", form, "Accept", "application/json")
		if strings.Contains(got.body, "canary-cookie") || strings.Contains(got.body, shopKey.Secret) {
			t.Errorf("a secret is shown: %s", got.body)
		}
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
			t.Fatalf("%v: %s", err, got.body)
		}
		return answer
	}
	if refused := try(); refused.Tried == nil || refused.Tried.Status != http.StatusForbidden {
		t.Fatalf("without a binding: %+v", refused)
	}
	b.done(at+"/bind", url.Values{"app_id": {"shop"}, "path": {"*"}})
	b.done(at+"/online", nil)
	answer := try()
	if answer.Tried == nil || answer.Tried.Status != http.StatusOK || !strings.Contains(answer.Tried.Body, `/item/a%2Fb%201?fields=name&password=canary-password&x=1`) {
		t.Fatalf("the answer is %+v", answer)
	}
	var page struct {
		Form struct {
			Key, From string
			Params    []struct{ Name, Value string }
			More      string
			Masked    []string
		}
	}
	b.json(at+"/api?id=item.get", &page)
	if page.Form.From != answer.Tried.ID || page.Form.Key != "shop-key" || page.Form.Params[0].Value != "a/b 1" || page.Form.Params[1].Value != "name" || page.Form.More != "x=1\n" || len(page.Form.Masked) != 1 {
		t.Errorf("the form is filled with %+v", page.Form)
	}
	shown := html.UnescapeString(b.post(at+"/api?id=item.get", form).body)
	if !strings.Contains(shown, `"method": "GET"`) {
		t.Error("the page does not show the answer")
	}
	form.Set("access_token", "Bearer canary-token")
	if page := b.post(at+"/api?id=item.get", form).body; !strings.Contains(page, "the call had no user") || strings.Contains(page, "canary-token") {
		t.Error("the page does not say that a token is no good, or shows it")
	}
	form.Set("key", "none")
	if got := b.post(at+"/api?id=item.get", form); got.status != http.StatusNotFound || !strings.Contains(got.body, "a/b 1") {
		t.Errorf("with an unknown key: %d, and what was typed must stay", got.status)
	}
}

func TestACallThatIsTriedComesFromTheBrowser(t *testing.T) {
	s := newSite(t, func(cfg *platform.Config) { cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	b := s.operator()
	at := "/apis/" + b.imported(echo(t))
	b.post(at+"/api?id=item.get", url.Values{"key": {"shop-key"}, "method": {"GET"}, "p.id": {"1"}}, "X-Forwarded-For", "203.0.113.7")
	var last struct {
		From string `json:"remote_addr"`
	}
	b.json("/calls/latest", &last)
	if !strings.HasPrefix(last.From, "203.0.113.7") {
		t.Errorf("it came from %q", last.From)
	}
}

func TestAFormIsSentAsOne(t *testing.T) {
	b := newSite(t).operator()
	at := "/apis/" + b.imported(echo(t))
	b.done(at+"/bind", url.Values{"app_id": {"shop"}, "path": {"*"}})
	b.done(at+"/online", nil)
	got := b.post(at+"/api?id=item.add", url.Values{"key": {"shop-key"}, "method": {"POST"}, "p.name": {"订单 & 1"}})
	if shown := html.UnescapeString(got.body); !strings.Contains(shown, "name=%E8%AE%A2%E5%8D%95+%26+1") {
		t.Errorf("the backend got something else: %s", shown)
	}
}

func TestWhatAFileSaysIsTextAndNotMarkup(t *testing.T) {
	b := newSite(t).operator()
	at := "/apis/" + b.imported(echo(t))
	for _, path := range []string{at, at + "/api?id=item.add", at + "/file", "/apis?q=item"} {
		if page := b.get(path); strings.Contains(page, "<script>alert") {
			t.Errorf("%s runs what the file says", path)
		}
	}
	if page := b.get(at + "/api?id=item.get"); !strings.Contains(page, "<pre tabindex=\"0\">x &lt; y</pre>") || !strings.Contains(page, "<p>• fast</p>") {
		t.Error("the notes are not divided")
	}
}

// callAs makes a call of the platform in the name of a person, and returns its result.
func (s *site) callAs(person platform.Person, api string, params url.Values) json.RawMessage {
	s.Helper()
	req := httptest.NewRequestWithContext(platform.WithPerson(s.Context(), person), "POST", "/api/"+api, strings.NewReader(params.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.platform.ServeHTTP(w, req)
	var doc struct{ Result json.RawMessage }
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK {
		s.Fatalf("%s: %d %s", api, w.Code, w.Body)
	}
	return doc.Result
}

// apiMember makes a member with a role.
func (s *site) apiMember(email string, role platform.Role) {
	s.Helper()
	call := map[platform.Role]string{platform.DeveloperRole: "active", platform.ProviderRole: "apiprovider"}[role]
	for _, name := range []string{"create", call} {
		s.callAs(platform.Person{Name: "test", Role: platform.OperatorRole}, "platform/manageuser/"+name, url.Values{"email": {email}})
	}
}

func TestADeveloperReadsAndTriesWhatItsAppsMayCall(t *testing.T) {
	s := newSite(t)
	operator, address := s.operator(), echo(t)
	at := "/apis/" + operator.imported(address)
	operator.done(at+"/online", nil)
	role := platform.UserRole{Login: "dev", Role: platform.DeveloperRole, Member: "dev@example.com"}
	s.apiMember(role.Member, role.Role)
	s.callAs(role.Person(), "platform/app/create", url.Values{"name": {"Mine"}, "id": {"mine"}})
	var key struct{ Key string }
	if err := json.Unmarshal(s.callAs(role.Person(), "platform/key/create", url.Values{"app_id": {"mine"}}), &key); err != nil {
		t.Fatal(err)
	}
	operator.done(at+"/bind", url.Values{"app_id": {"mine"}, "path": {"item.get"}})
	b := s.user(role)
	pages := b.get("/apis") + b.get(at) + b.get(at+"/api?id=item.get")
	if !strings.Contains(pages, "item.get") || strings.Contains(pages, "item.add") || strings.Contains(pages, address) {
		t.Error("a developer sees another API than its app may call, or the address of the backend")
	}
	if got := b.send("GET", at+"/api?id=item.add", nil); got.status != http.StatusNotFound {
		t.Errorf("an API that the app may not call: %d", got.status)
	}
	if got := b.send("GET", at+"/file", nil); got.status < 400 {
		t.Errorf("the file of the service: %d", got.status)
	}
	form := url.Values{"key": {key.Key}, "method": {"GET"}, "p.id": {"7"}}
	if got := b.post(at+"/api?id=item.get", form); got.status != http.StatusOK || !strings.Contains(got.body, "/item/7") || strings.Contains(got.body, "/console/calls/") {
		t.Errorf("a call with its own key: %d %s", got.status, got.body)
	}
	form.Set("key", "shop-key")
	if got := b.post(at+"/api?id=item.get", form); got.status != http.StatusNotFound {
		t.Errorf("a call with the key of others: %d", got.status)
	}
}

func TestWhoMayDoWhatWithServices(t *testing.T) {
	s := newSite(t)
	operator := s.operator()
	id := operator.imported(echo(t))
	for email, role := range map[string]platform.Role{"dev@example.com": platform.DeveloperRole, "pro@example.com": platform.ProviderRole} {
		s.apiMember(email, role)
	}
	developer := s.user(platform.UserRole{Login: "dev", Role: platform.DeveloperRole, Member: "dev@example.com"})
	provider := s.user(platform.UserRole{Login: "pro", Role: platform.ProviderRole, Member: "pro@example.com"})
	for name, b := range map[string]*browser{"developer": developer, "provider": provider} {
		if page := b.get("/apis"); strings.Contains(page, "goods") {
			t.Errorf("a %s sees the services of others", name)
		}
		if got := b.send("GET", "/apis/"+id, nil); got.status != http.StatusNotFound {
			t.Errorf("a %s opens the page of another's service: %d", name, got.status)
		}
		for _, change := range []string{"online", "offline", "config", "node", "bind", "unbind", "restore", "delete", "backend"} {
			if got := b.post("/apis/"+id+"/"+change, url.Values{"key": {"a"}, "value": {"b"}, "node_id": {"a"}, "data": {"{}"}, "app_id": {"shop"}, "path": {"*"}, "confirm": {"goods"}}); got.status < 400 {
				t.Errorf("a %s makes the change %s: %d", name, change, got.status)
			}
		}
	}
	if got := developer.post("/apis/import", url.Values{"file": {goodsAt("http://127.0.0.1:1")}}); got.status != http.StatusForbidden {
		t.Errorf("a developer imports: %d", got.status)
	}
	own := strings.Replace(goodsAt("http://127.0.0.1:1"), `"prefix":"goods"`, `"prefix":"own"`, 1)
	if got := provider.importFile(own); got.status != http.StatusSeeOther {
		t.Fatalf("a provider imports: %d %s", got.status, got.body)
	}
	var found foundPage
	provider.json("/apis", &found)
	if len(found.Services) != 1 || found.Services[0].Prefix != "own" {
		t.Fatalf("a provider sees %+v", found)
	}
	provider.done("/apis/"+found.Services[0].ID+"/config", url.Values{"key": {"region"}, "value": {"eu"}})
	provider.get("/apis/" + found.Services[0].ID)
	provider.get("/apis/" + found.Services[0].ID + "/api?id=item.get")
	if got := provider.post("/apis/"+found.Services[0].ID+"/api?id=item.get", url.Values{"key": {"shop-key"}, "method": {"GET"}, "p.id": {"1"}}); got.status != http.StatusNotFound {
		t.Errorf("a provider signs with a key of others: %d", got.status)
	}
}

func TestAThousandAPIsAreOneSmallPage(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	var apis []string
	for i := range 1000 {
		apis = append(apis, fmt.Sprintf(`"item.%04d":{"path":"item/%04d/{id}","method":["GET","POST"],"summary":"What number %d does for those who call it"}`, i, i, i))
	}
	file := `{"url":"http://127.0.0.1:1/rest","prefix":"many","mode":"path","apis":{` + strings.Join(apis, ",") + `}}`
	if got := b.importFile(file); got.status != http.StatusSeeOther {
		t.Fatalf("the import: %d %.2000s", got.status, got.body[strings.Index(got.body, "<main"):])
	}
	var found foundPage
	b.json("/apis?q=item.0999", &found)
	if found.Total != 1 {
		t.Errorf("found %+v", found)
	}
	for _, path := range []string{"/apis?q=item&page=2", "/apis", "/apis/many"} {
		b.get(path)
		began := time.Now()
		page := b.get(path)
		t.Logf("%s: %d bytes in %v", path, len(page), time.Since(began))
		if len(page) > 150<<10 {
			t.Errorf("%s has %d bytes", path, len(page))
		}
	}
}

func TestTheAnswerOfATryLeadsToTheCall(t *testing.T) {
	b := newSite(t).operator()
	at := "/apis/" + b.imported(echo(t))
	page := b.post(at+"/api?id=item.get", url.Values{"key": {"shop-key"}, "method": {"GET"}, "p.id": {"1"}}).body
	link := regexp.MustCompile(`href="/console(/calls/[A-Z0-9]+)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal("the page of the answer has no link to the call")
	}
	b.get(link[1])
}
