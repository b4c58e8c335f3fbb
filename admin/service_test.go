package admin_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

const goodsFile = `{"url":"http://127.0.0.1:9/goods","prefix":"goods","summary":"Goods","mode":"path",` +
	`"config_values":[{"name":"token","desc":"secret of the signature","issecret":true},{"name":"shop","default":"1"}],` +
	`"apis":{"list":{"path":"list","method":["GET"]},"get":{"path":"{id}","method":["GET"]}}}`

// page serves *text on loopback.
func page(t *testing.T, text *string) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, *text) }))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestAServiceIsImportedAndManaged(t *testing.T) {
	_, a := newAdmin(t)
	ctx := t.Context()
	text := goodsFile
	address := page(t, &text)
	made := must[[]*admin.Service](t)(a.ImportService(ctx, address))[0]
	want := &admin.Service{
		ID: made.ID, Prefix: "goods", Summary: "Goods", Domain: "default", Source: address, Mode: "path", APIs: 2,
		Backend: "http://127.0.0.1:9/goods", Trusted: true, Nodes: []string{}, Created: made.Created, Changed: made.Changed,
		Config: []admin.ConfigValue{{Name: "token", Description: "secret of the signature", Secret: true}, {Name: "shop", Value: "1"}},
	}
	if !reflect.DeepEqual(made, want) || made.Created.IsZero() || made.Changed.IsZero() {
		t.Errorf("made %+v, want %+v", made, want)
	}
	for _, change := range []error{
		a.SetConfig(ctx, "goods", "token", "s3cret"),
		a.SetConfig(ctx, made.ID, "shop", "7"),
		a.SetNode(ctx, "goods", "n1", map[string]string{"token": "other", "@url": "http://127.0.0.1:10/"}),
		a.SetNode(ctx, "goods", "n2", nil),
		a.RemoveNode(ctx, "goods", "n2"),
		a.SetBackend(ctx, "goods", "http://127.0.0.1:11/", ""),
		a.SetOnline(ctx, "goods", true),
	} {
		if change != nil {
			t.Error(change)
		}
	}
	want.Online, want.Backend, want.Nodes = true, "http://127.0.0.1:11/", []string{"n1"}
	want.Config[0].Set, want.Config[1] = true, admin.ConfigValue{Name: "shop", Set: true, Value: "7"}
	if s := must[*admin.Service](t)(a.Service(ctx, "goods")); !same(s, want) {
		t.Errorf("is %+v, want %+v", s, want)
	}
	if all := must[[]*admin.Service](t)(a.Services(ctx)); len(all) != 1 || !same(all[0], want) {
		t.Errorf("listed %+v", all)
	}
	if file := must[[]byte](t)(a.ServiceFile(ctx, "goods")); !strings.Contains(string(file), `"prefix"`) {
		t.Errorf("the file is %s", file)
	}

	text = strings.Replace(goodsFile, `"Goods"`, `"More goods"`, 1)
	if r := must[*admin.Refreshed](t)(a.RefreshService(ctx, "goods", admin.Refresh{})); r.Service.Summary != "More goods" || !r.Service.Online || !r.Service.Previous {
		t.Errorf("refreshed to %+v", r.Service)
	}
	if s := must[*admin.Service](t)(a.RestoreService(ctx, "goods")); s.Summary != "Goods" {
		t.Errorf("restored %+v", s)
	}
	if err := errors.Join(a.MoveSource(ctx, address, address+"/new"), a.SetOnline(ctx, "goods", false), a.DeleteService(ctx, "goods")); err != nil {
		t.Error(err)
	}
	if _, err := a.Service(ctx, "goods"); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("after it was deleted: %v", err)
	}
}

// same compares services but for the time of their last change.
func same(a, b *admin.Service) bool {
	one, two := *a, *b
	one.Changed, two.Changed = time.Time{}, time.Time{}
	return reflect.DeepEqual(one, two)
}

func TestWhatIsWrongWithAFileCanBeActedOn(t *testing.T) {
	_, a := newAdmin(t)
	ctx := t.Context()
	must[*admin.Service](t)(a.ImportFile(ctx, []byte(goodsFile)))
	text := goodsFile
	_, err := a.ImportService(ctx, page(t, &text))
	if !errors.Is(err, admin.ErrPrefixTaken) {
		t.Errorf("a prefix that is taken: %v", err)
	}
	_, err = a.ImportFile(ctx, []byte("{\"prefix\":\"x\",\n\"mode\":\"sideways\"}"))
	var faulty *admin.FaultyFile
	if !errors.As(err, &faulty) || len(faulty.Faults) == 0 || faulty.Faults[0].Line == 0 || faulty.Faults[0].Text == "" {
		t.Errorf("a file with faults: %#v", err)
	}
	_, err = a.ImportService(ctx, "http://169.254.169.254/latest")
	var refused *prism.Error
	if !errors.Is(err, admin.ErrFetchFailed) || !errors.As(err, &refused) {
		t.Errorf("an address that is refused: %v", err)
	}

	fewer := []byte(strings.Replace(goodsFile, `,"get":{"path":"{id}","method":["GET"]}`, "", 1))
	_, err = a.RefreshService(ctx, "goods", admin.Refresh{File: fewer})
	var breaking *admin.BreakingChange
	if !errors.As(err, &breaking) || len(breaking.Changes) == 0 || !breaking.Changes[0].Breaking || breaking.Changes[0].API != "get" || breaking.Changes[0].Service != "goods" {
		t.Errorf("a change that breaks: %#v", err)
	}
	if r := must[*admin.Refreshed](t)(a.RefreshService(ctx, "goods", admin.Refresh{File: fewer, DryRun: true})); len(r.Changes) == 0 || r.Service.APIs != 2 {
		t.Errorf("tried: %+v", r)
	}
	if r := must[*admin.Refreshed](t)(a.RefreshService(ctx, "goods", admin.Refresh{File: fewer, Force: true})); len(r.Changes) == 0 || r.Service.APIs != 1 {
		t.Errorf("forced: %+v", r)
	}
}

func TestAPIsAreFound(t *testing.T) {
	_, a := newAdmin(t)
	must[*admin.Service](t)(a.ImportFile(t.Context(), []byte(goodsFile)))
	found, total, err := a.APIs(t.Context(), admin.Search{Words: "goods", Service: "goods", After: 1, Limit: 5})
	if err != nil || total != 2 || len(found) != 1 || found[0].ID != "get" || !strings.HasSuffix(found[0].Path, "/goods/{id}") || found[0].Backend == "" {
		t.Errorf("found %+v of %d, %v", found, total, err)
	}
}

func TestABindingIsWhatItWasMadeOf(t *testing.T) {
	_, a := newAdmin(t)
	ctx := t.Context()
	s := must[*admin.Service](t)(a.ImportFile(ctx, []byte(goodsFile)))
	for _, b := range []admin.Binding{{Service: "goods", Path: "*"}, {Service: s.ID, Path: "get", Count: 5, Per: time.Minute}} {
		if err := a.BindAPI(ctx, "test", b); err != nil {
			t.Fatal(err)
		}
	}
	want := []admin.Binding{{Service: s.ID, Prefix: "goods", Path: "*"}, {Service: s.ID, Prefix: "goods", Path: "get", Count: 5, Per: time.Minute}}
	if all := must[[]admin.Binding](t)(a.BoundAPIs(ctx, "test")); !reflect.DeepEqual(all, want) {
		t.Errorf("bound %+v, want %+v", all, want)
	}
	if all := must[[]admin.AppBinding](t)(a.BoundApps(ctx, "goods")); len(all) != 2 || all[1] != (admin.AppBinding{App: "test", Binding: want[1]}) {
		t.Errorf("the apps are bound by %+v", all)
	}
	for _, some := range [][]admin.Binding{want[:1], nil} {
		if taken := must[[]admin.Binding](t)(a.UnbindAPI(ctx, "test", "goods", "*")); !reflect.DeepEqual(taken, some) {
			t.Errorf("took %+v away, want %+v", taken, some)
		}
	}
	for _, some := range [][]admin.Binding{want[1:], nil} {
		if all := must[[]admin.Binding](t)(a.BoundAPIs(ctx, "test")); !reflect.DeepEqual(all, some) {
			t.Errorf("bound %+v, want %+v", all, some)
		}
		if taken := must[[]admin.Binding](t)(a.UnbindService(ctx, "test", "goods")); !reflect.DeepEqual(taken, some) {
			t.Errorf("took %+v away, want %+v", taken, some)
		}
	}
	if err := a.BindAPI(ctx, "test", admin.Binding{Service: "goods", Path: "nothing"}); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("an API that does not exist: %v", err)
	}
	for _, b := range []admin.Binding{{Count: 1}, {Per: time.Second}, {Count: 1, Per: time.Millisecond}, {Count: -1, Per: -time.Second}} {
		b.Service, b.Path = "goods", "*"
		var wrong *prism.ParamError
		if err := a.BindAPI(ctx, "test", b); !errors.As(err, &wrong) {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

func TestAMemberProvidesWithItsOwnKey(t *testing.T) {
	srv := prismtest.NewServer(t)
	a := admin.New(srv.Client())
	ctx := t.Context()
	const email = "ee@shop.example"
	if err := errors.Join(a.CreateMember(ctx, email, "測試"), a.SetRole(ctx, email, admin.Provider)); err != nil {
		t.Fatal(err)
	}
	m := must[*admin.Member](t)(a.Member(ctx, email))
	want := &admin.Member{ID: m.ID, Email: email, Summary: "測試", Domain: "default", Role: admin.Provider, Key: m.Key, Secret: m.Secret, Created: m.Created}
	if !reflect.DeepEqual(m, want) || m.ID == "" || m.Key == "" || m.Secret == "" {
		t.Errorf("is %v", m)
	}
	if text := m.GoString() + m.String() + m.LogValue().String(); strings.Contains(text, m.Secret) {
		t.Errorf("shows its secret: %s", text)
	}
	own := admin.New(srv.ClientFor(platform.Key{ID: m.Key, Secret: m.Secret}))
	s := must[*admin.Service](t)(own.ImportFile(ctx, []byte(goodsFile)))
	app := must[*admin.App](t)(own.CreateApp(ctx, admin.NewApp{Name: "bbc"}))
	must[*admin.Key](t)(own.CreateKey(ctx, app.ID, admin.NewKey{}))
	if s.Member != m.ID || app.Member != m.ID || s.Trusted {
		t.Errorf("made %+v and %+v", s, app)
	}
	if err := own.SetOnline(ctx, "goods", true); !errors.Is(err, prism.ErrForbidden) {
		t.Errorf("a member brings a service on line: %v", err)
	}
	if err := a.CreateMember(ctx, email, ""); !errors.Is(err, admin.ErrMemberExists) {
		t.Errorf("a second one: %v", err)
	}
	if err := a.SetRole(ctx, email, admin.Inactive); err != nil {
		t.Error(err)
	}
	if _, err := own.Apps(ctx); !errors.Is(err, prism.ErrForbidden) {
		t.Errorf("without a role: %v", err)
	}
	if err := a.SetRole(ctx, email, "king"); err == nil {
		t.Error("a role that does not exist is no error")
	}
}

func TestOAuthSettingsComeBackWithoutThePassword(t *testing.T) {
	_, a := newAdmin(t)
	cfg := admin.OAuthConfig{Host: "localhost", User: "root", Password: "s3cret", CfgIDColumn: "uid", CheckAccountSQL: "select 1"}
	if err := a.SetOAuthConfig(t.Context(), true, cfg); err != nil {
		t.Fatal(err)
	}
	cfg.Password = ""
	if got := must[*admin.OAuthConfig](t)(a.OAuthConfig(t.Context(), true)); *got != cfg {
		t.Errorf("got %+v, want %+v", got, cfg)
	}
	if got := must[*admin.OAuthConfig](t)(a.OAuthConfig(t.Context(), false)); *got != (admin.OAuthConfig{}) {
		t.Errorf("those of no sandbox are %+v", got)
	}
}

// What comes between the bindings being looked at and being taken away is not lost, and
// nothing is said to be taken away twice.
func TestBindingsThatComeMeanwhileAreTakenOnceOrStay(t *testing.T) {
	_, a := newAdmin(t)
	must[*admin.Service](t)(a.ImportFile(t.Context(), []byte(`{"url":"http://127.0.0.1:1","prefix":"any"}`)))
	const bindings = 20
	ended := make(chan error, bindings)
	for i := range bindings {
		go func() {
			ended <- a.BindAPI(t.Context(), "test", admin.Binding{Service: "any", Path: fmt.Sprint(i)})
		}()
	}
	seen := map[string]int{}
	count := func(all []admin.Binding) {
		for _, b := range all {
			seen[b.Path]++
		}
	}
	for range bindings {
		if err := <-ended; err != nil {
			t.Error(err)
		}
		count(must[[]admin.Binding](t)(a.UnbindService(t.Context(), "test", "any")))
	}
	if left := must[[]admin.Binding](t)(a.BoundAPIs(t.Context(), "test")); len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
	for i := range bindings {
		if n := seen[fmt.Sprint(i)]; n != 1 {
			t.Errorf("binding %d was taken away %d times", i, n)
		}
	}
}

func TestAFileThatIsImportedAgainRefreshesItsService(t *testing.T) {
	_, a := newAdmin(t)
	ctx := t.Context()
	made := must[*admin.Service](t)(a.ImportFile(ctx, []byte(goodsFile)))
	if err := errors.Join(a.SetOnline(ctx, made.ID, true), a.SetConfig(ctx, made.ID, "token", "s3cret")); err != nil {
		t.Fatal(err)
	}
	more := []byte(strings.Replace(goodsFile, `"apis":{`, `"apis":{"new":{"path":"new/one"},`, 1))
	done := must[*admin.Imported](t)(a.Import(ctx, admin.Import{File: more}))
	if s := done.Services[0]; s.ID != made.ID || s.APIs != 3 || !s.Online || !s.Config[0].Set || len(done.Changes) != 1 || done.Changes[0].API != "new" {
		t.Errorf("imported %+v, %+v", s, done.Changes)
	}
	var breaking *admin.BreakingChange
	if _, err := a.ImportFile(ctx, []byte(goodsFile)); !errors.As(err, &breaking) || breaking.Changes[0].API != "new" {
		t.Errorf("a change that breaks: %v", err)
	}
	if done := must[*admin.Imported](t)(a.Import(ctx, admin.Import{File: []byte(goodsFile), Force: true})); done.Services[0].APIs != 2 || len(done.Changes) != 1 {
		t.Errorf("forced: %+v", done)
	}
	if again := must[*admin.Imported](t)(a.Import(ctx, admin.Import{File: []byte(goodsFile)})); len(again.Changes) != 0 {
		t.Errorf("nothing has changed, and it says %+v", again.Changes)
	}
	if s := must[*admin.Service](t)(a.RestoreService(ctx, made.ID)); s.APIs != 3 {
		t.Errorf("what has changed nothing has replaced the earlier file: %+v", s)
	}
}
