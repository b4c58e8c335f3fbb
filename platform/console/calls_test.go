package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/sign"
)

const canaryCall = "CANARY-of-a-call"

// withGoods makes a service that the app shop may call. Its backend says what it was sent.
func (s *site) withGoods() {
	s.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"path":"`+r.URL.Path+`","sent":`+strconv.Itoa(len(body))+`,"access_token":"`+canaryCall+`"}`)
	}))
	s.Cleanup(backend.Close)
	file, err := apijson.Parse([]byte(`{"prefix":"goods","url":"` + backend.URL + `","apis":{"list":{"path":"list","method":["GET","POST"]},"me":{"path":"me","method":["GET"],"require_oauth":true}}}`))
	if err == nil {
		err = s.registry.SaveService(s.Context(), platform.Service{ID: "goods1", File: file.Format(), Online: true, Trusted: true})
	}
	if err == nil {
		err = s.registry.BindAPI(s.Context(), "shop", platform.APIBinding{Service: "goods1", Path: "*"})
	}
	if err != nil {
		s.Fatal(err)
	}
}

// calls sends a call of the key shop-key that is signed as if it went to signed, and returns
// its ID.
func (s *site) calls(method, path, signed string, params url.Values, header ...string) string {
	s.Helper()
	query, form := params, url.Values(nil)
	if method == http.MethodPost {
		query, form = url.Values{}, params
	}
	if params.Get("client_id") == "" {
		params.Set("client_id", shopKey.ID)
	}
	params.Set("sign_time", strconv.FormatInt(time.Now().Unix(), 10))
	params.Set("sign", sign.Sign(shopKey.Secret, sign.Request{Method: method, Path: signed, Query: query, Form: form}))
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path+"?"+query.Encode(), strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return s.browser().do(req).header.Get("X-Request-Id")
}

func TestWhyASignatureIsRefusedIsOnThePageOfTheCall(t *testing.T) {
	s := newSite(t)
	s.withGoods()
	b := s.operator()
	s.calls("GET", "/api/goods/list", "/api/goods/list", url.Values{})
	for path, signed := range map[string]string{"/api/goods/list": "/goods/list", "/api/platform/notify/status": "/platform/notify/status"} {
		id := s.calls("GET", path, signed, url.Values{"password": {canaryCall}}, "Cookie", "s="+canaryCall)
		var latest struct {
			ID        string
			Diagnosis struct{ Causes []string }
		}
		b.json("/calls/latest?failed=1&client_id=shop-key", &latest)
		if latest.ID != id || len(latest.Diagnosis.Causes) == 0 || latest.Diagnosis.Causes[0] != "path-without-base" {
			t.Fatalf("the latest is %+v, want %s", latest, id)
		}
		if overview := b.get("/"); !strings.Contains(overview, `/calls/`+id+`"`) {
			t.Errorf("the overview does not lead to the refused call: %s", overview)
		}
		page := b.get("/calls/" + id)
		for _, want := range []string{"the client signs the path without its base", "Part 3 of 7 (path) differs at character 4: the rule has a there", "***&amp;GET&amp;%2F<mark>a</mark>pi%2F", "Sign the whole path, with its base.", "Signature and key: refused", "Backend: not reached"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q: %s", want, page)
			}
		}
		if strings.Contains(page, canaryCall) || strings.Contains(page, shopKey.Secret) {
			t.Errorf("a secret is on %s", page)
		}
		if list := b.get("/calls?failed=1&client_id=shop-key"); !strings.Contains(list, "/console/calls/"+id) || !strings.Contains(list, "invalid_sign") {
			t.Errorf("listed %s", list)
		}
	}
	if got := b.send("GET", "/calls/latest?client_id=nobody", nil, "Accept", "application/json"); got.status != http.StatusNotFound || !strings.Contains(got.body, "unknown_call") {
		t.Errorf("the latest call of nobody: %d %s", got.status, got.body)
	}
	if got := b.send("GET", "/calls/latest?failed=1", nil); got.status != http.StatusSeeOther {
		t.Errorf("the latest call as a page: %d", got.status)
	}
}

func TestACallIsShownAndReplayedFromItsPage(t *testing.T) {
	s := newSite(t)
	s.withGoods()
	b := s.operator()
	id := s.calls("POST", "/api/goods/list", "/api/goods/list", url.Values{"q": {"it's <b>"}})
	page := b.get("/calls/" + id)
	for _, want := range []string{"The backend&#39;s side", "&#34;path&#34;: &#34;/list&#34;", "<rect ", "Waiting for the backend", "curl -X", "client.Do(ctx", "$secret = getenv(", "prismctl post", "Backend: passed", "sign=SIGNATURE"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	if strings.Contains(page, canaryCall) || strings.Contains(page, "<b>") || strings.Contains(page, shopKey.Secret) {
		t.Error(page)
	}
	got := b.post("/calls/"+id+"/replay", nil)
	if got.status != http.StatusSeeOther || strings.Contains(got.header.Get("Location"), id) {
		t.Fatalf("replayed: %d %s %s", got.status, got.header.Get("Location"), got.body)
	}
	again := strings.TrimPrefix(got.header.Get("Location"), "/console")
	if page := b.get(again); !strings.Contains(page, "This is a replay of") || !strings.Contains(page, "/console/calls/"+id) || !strings.Contains(page, "@operator") || !strings.Contains(page, "q=it%27s") {
		t.Error(page)
	}
	if page := b.get("/calls/" + id); !strings.Contains(page, "Replays of this call") || !strings.Contains(page, strings.TrimSuffix(again, "?done=call.replayed")) {
		t.Error(page)
	}
	edit := b.get("/calls/" + id + "/replay")
	if !strings.Contains(edit, `name="target" value="/api/goods/list"`) || !strings.Contains(edit, "q=it%27s&#43;%3Cb%3E</textarea>") {
		t.Error(edit)
	}
	made := b.post("/calls/"+id+"/replay", url.Values{"method": {"GET"}, "target": {"/api/goods/me"}, "header": {"Accept: */*\r\n"}, "body": {""}}, "Accept", "application/json")
	if made.status != http.StatusOK || !strings.Contains(made.body, `"status":403`) {
		t.Errorf("an edited replay: %d %s", made.status, made.body)
	}
	if entries := b.changes("?q=replay"); len(entries) != 2 {
		t.Errorf("audited %+v", entries)
	}
}

// Whoever calls chooses what whoever copies a snippet runs: it must stay data.
func TestASnippetTakesNothingOfACallForAnOption(t *testing.T) {
	s := newSite(t)
	s.withGoods()
	b := s.operator()
	snippets := func(id string) string {
		var page struct{ Snippets []struct{ Name, Text string } }
		b.json("/calls/"+id, &page)
		var all strings.Builder
		for _, snippet := range page.Snippets {
			all.WriteString(snippet.Text + "\n")
		}
		return all.String()
	}
	const option = "--url=https://elsewhere.example/api"
	named := snippets(s.calls("POST", "/api/goods/list", "/api/goods/list", url.Values{option: {"x"}}, "X-Api-A", "b"))
	ends, at := strings.Index(named, "-- 'goods/list' "), strings.Index(named, "'"+option+"=x'")
	if header := strings.LastIndex(named, "-H 'X-Api-A: b'"); ends < 0 || at < ends || header > ends {
		t.Error(named)
	}
	for path, command := range map[string]string{"/api/goods/list": "curl -X 'GET'", "/api/goods/[1-9]": "curl -g -X 'GET'"} { // curl would make nine calls of it
		if got := snippets(s.calls("GET", path, path, url.Values{})); !strings.Contains(got, command+" '"+s.url+path) {
			t.Error(got)
		}
	}
	query := url.Values{"client_id": {shopKey.ID}, "sign_time": {strconv.FormatInt(time.Now().Unix(), 10)}}
	query.Set("sign", sign.Sign(shopKey.Secret, sign.Request{Method: "POST", Path: "/api/goods/list", Query: query}))
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/api/goods/list?"+query.Encode(), strings.NewReader("@/etc/hostname"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain")
	if with := snippets(b.do(req).header.Get("X-Request-Id")); !strings.Contains(with, "--data-raw '@/etc/hostname'") || strings.Contains(with, "--data-binary") {
		t.Error(with)
	}
}

func TestSecretsAreTypedAnewForAReplay(t *testing.T) {
	s := newSite(t)
	s.withGoods()
	b := s.operator()
	id := s.calls("GET", "/api/goods/list", "/api/goods/list", url.Values{"user_token": {canaryCall}}, "X-Auth-Token", canaryCall)
	for _, path := range []string{"/calls/" + id, "/calls/" + id + "/replay", "/calls"} {
		page := b.get(path)
		if json := b.send("GET", path, nil, "Accept", "application/json").body; strings.Contains(page+json, canaryCall) {
			t.Errorf("a secret is on %s", path)
		}
		if path != "/calls" && (!strings.Contains(page, "<code>header X-Auth-Token</code>") || !strings.Contains(page, "<code>query user_token</code>")) {
			t.Errorf("%s does not say what is masked: %s", path, page)
		}
	}
	got := b.post("/calls/"+id+"/replay", url.Values{"method": {"GET"}, "target": {"/api/goods/list?user_token=***&mine=typed"}, "header": {""}})
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "query user_token") || !strings.Contains(got.body, "mine=typed") {
		t.Errorf("with a mask: %d %s", got.status, got.body)
	}
	got = b.post("/calls/"+id+"/replay", url.Values{"method": {"GET"}, "target": {"/api/goods/list?mine=typed"}, "header": {"no colon"}})
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "NAME: VALUE") || !strings.Contains(got.body, "mine=typed") || !strings.Contains(got.body, "no colon") {
		t.Errorf("with a header that is none: %d %s", got.status, got.body)
	}
	got = b.post("/calls/"+id+"/replay", url.Values{"method": {"GET"}, "target": {"/api/goods/list?user_token=" + canaryCall}, "header": {""}})
	if got.status != http.StatusSeeOther {
		t.Fatalf("typed anew: %d %s", got.status, got.body)
	}
	if page := b.get(strings.TrimPrefix(got.header.Get("Location"), "/console")) + b.get("/audit"); strings.Contains(page, canaryCall) {
		t.Error("what was typed is on a page")
	}
}

func TestOnlyOperatorsAndAdminsOfTheDomainSeeCalls(t *testing.T) {
	s := newSite(t)
	s.withGoods()
	id := s.calls("GET", "/api/goods/list", "/api/goods/list", url.Values{})
	elsewhere := s.user(platform.UserRole{Login: "eve", Role: platform.AdminRole, Domain: "mars"})
	if page := elsewhere.get("/calls"); strings.Contains(page, id) {
		t.Error("an admin of another domain sees the call")
	}
	for _, path := range []string{"/calls/" + id, "/calls/" + id + "/replay"} {
		if got := elsewhere.send("GET", path, nil); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := elsewhere.post("/calls/"+id+"/replay", nil, "Accept", "application/json"); got.status != http.StatusNotFound {
		t.Errorf("a replay in another domain: %d", got.status)
	}
	s.user(platform.UserRole{Login: "adam", Role: platform.AdminRole}).get("/calls/" + id)
	provider := s.user(platform.UserRole{Login: "pat", Role: platform.ProviderRole, Member: "pat@shop.example"})
	if got := provider.send("GET", "/calls", nil); got.status != http.StatusForbidden {
		t.Errorf("a provider: %d", got.status)
	}
}

func TestHostileCallsAreShownAsText(t *testing.T) {
	s := newSite(t)
	s.withGoods()
	const evil = `"><script>alert(1)</script>`
	id := s.calls("GET", "/api/goods/list", "/x", url.Values{evil: {evil}}, "User-Agent", evil, "X-Evil", evil)
	for _, lang := range []string{"en", "zh-CN"} {
		b := s.operator()
		b.lang = lang
		for _, path := range []string{"/calls", "/calls?q=" + url.QueryEscape(evil), "/calls/" + id, "/calls/" + id + "/replay"} {
			if page := b.get(path); strings.Contains(page, "<script>alert") || len(page) > 150<<10 {
				t.Errorf("%s: %d bytes, or a script", path, len(page))
			}
		}
	}
}
