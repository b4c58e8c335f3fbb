package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

func newAdmin(t *testing.T) (*prismtest.Server, *admin.Client) {
	srv := prismtest.NewServer(t)
	return srv, admin.New(srv.Client())
}

// connect returns a client of key.
func connect(srv *prismtest.Server, key *admin.Key) *prism.Client {
	return srv.ClientFor(platform.Key{ID: key.ID, Secret: key.Secret})
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestAnAppIsWhatItWasMadeOf(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	before := srv.Now().Truncate(time.Millisecond)
	made := must[*admin.App](t)(a.CreateApp(ctx, admin.NewApp{ID: "shop-1_a", Name: "商店 & co", Summary: "sells\nthings"}))
	if made.Created.Before(before) || made.Created.After(srv.Now()) {
		t.Errorf("created at %v", made.Created)
	}
	want := &admin.App{ID: "shop-1_a", Name: "商店 & co", Summary: "sells\nthings", Domain: "default", MaxKeys: 500, Created: made.Created,
		Publish: admin.Nothing(), Listen: admin.Nothing()}
	if !reflect.DeepEqual(made, want) {
		t.Errorf("made %+v, want %+v", made, want)
	}
	if found := must[*admin.App](t)(a.App(ctx, "shop-1_a")); !reflect.DeepEqual(found, want) {
		t.Errorf("found %+v, want %+v", found, want)
	}
	apps := must[[]*admin.App](t)(a.Apps(ctx))
	if len(apps) != 2 || !reflect.DeepEqual(apps[0], want) || apps[1].ID != "test" || apps[1].Keys != 1 {
		t.Errorf("listed %+v", apps)
	}
	if random := must[*admin.App](t)(a.CreateApp(ctx, admin.NewApp{Name: "x"})); len(random.ID) != 7 {
		t.Errorf("was given the ID %q", random.ID)
	}
}

func TestAKeyIsWhatItWasMadeOfAndWorksAtOnce(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	expires := srv.Now().Add(time.Hour).Truncate(time.Second).UTC()
	made := must[*admin.Key](t)(a.CreateKey(ctx, "test", admin.NewKey{Notes: "b2c", Meta: map[string]string{"城市": "上海"}, Expires: expires}))
	want := &admin.Key{ID: made.ID, Secret: made.Secret, App: "test", Domain: "default", Notes: "b2c",
		Meta: map[string]string{"城市": "上海"}, Created: made.Created, Expires: expires}
	if len(made.ID) != 8 || len(made.Secret) != 20 || !reflect.DeepEqual(made, want) {
		t.Errorf("made %#v with meta %v, expires %v", made, made.Meta, made.Expires)
	}
	want.Secret = "" // it is shown once
	if found := must[*admin.Key](t)(a.Key(ctx, made.ID)); !reflect.DeepEqual(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
	client := connect(srv, made)
	must[*prism.Response](t)(client.Get(ctx, "platform/notify/status", nil))
	if _, err := admin.New(client).Apps(ctx); !errors.Is(err, prism.ErrForbidden) {
		t.Errorf("a key that was made provisions: %v", err)
	}
	srv.Advance(time.Hour)
	if _, err := client.Get(ctx, "platform/notify/status", nil); !errors.Is(err, prism.ErrUnauthorized) || !strings.Contains(err.Error(), "key_expired") {
		t.Errorf("after it has expired: %v", err)
	}
}

func TestAKeyWithoutAnEndHasNone(t *testing.T) {
	_, a := newAdmin(t)
	made := must[*admin.Key](t)(a.CreateKey(t.Context(), "test", admin.NewKey{}))
	if !made.Expires.IsZero() || len(made.Meta) != 0 {
		t.Errorf("expires %v, meta %v", made.Expires, made.Meta)
	}
}

// A time that was computed wrongly must not make a key that never expires.
func TestAKeyIsNotMadeWithATimeThatIsNone(t *testing.T) {
	srv, a := newAdmin(t)
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(-5, 0), time.Unix(0, 999), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)} {
		_, err := a.CreateKey(t.Context(), "test", admin.NewKey{Expires: at})
		var wrong *prism.ParamError
		if !errors.As(err, &wrong) || wrong.Name != "expired_date" {
			t.Errorf("%v: %v", at, err)
		}
	}
	if calls := srv.Calls(); len(calls) > 0 {
		t.Errorf("sent %+v", calls)
	}
	_, err := a.CreateKey(t.Context(), "test", admin.NewKey{Expires: time.Unix(1, 0)})
	var refused *prism.Error
	if !errors.As(err, &refused) || refused.Code != "invalid_parameter" { // the platform's clock says that it is over
		t.Errorf("a second that is over: %v", err)
	}
}

func TestABoundThatIsReachedIsNamed(t *testing.T) {
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Limits: platform.Limits{AppsPerDomain: 1, KeysPerApp: 1}}})
	a := admin.New(srv.Client())
	_, keyErr := a.CreateKey(t.Context(), "test", admin.NewKey{})
	_, appErr := a.CreateApp(t.Context(), admin.NewApp{Name: "x"})
	for want, err := range map[error]error{admin.ErrTooManyKeys: keyErr, admin.ErrTooManyApps: appErr} {
		var refused *prism.Error
		if !errors.Is(err, want) || !errors.Is(err, prism.ErrForbidden) || !errors.As(err, &refused) {
			t.Errorf("want %v: %v", want, err)
		}
	}
}

func TestWhatIsDeletedIsGone(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	must[*admin.App](t)(a.CreateApp(ctx, admin.NewApp{ID: "shop", Name: "shop"}))
	first := must[*admin.Key](t)(a.CreateKey(ctx, "shop", admin.NewKey{}))
	second := must[*admin.Key](t)(a.CreateKey(ctx, "shop", admin.NewKey{}))
	if err := a.DeleteKey(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	keys := must[[]*admin.Key](t)(a.Keys(ctx, "shop"))
	if len(keys) != 1 || keys[0].ID != second.ID {
		t.Errorf("left: %v", keys)
	}
	if err := a.DeleteApp(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []*admin.Key{first, second} {
		if _, err := connect(srv, key).Get(ctx, "platform/notify/status", nil); !errors.Is(err, prism.ErrUnauthorized) {
			t.Errorf("a deleted key calls: %v", err)
		}
	}
	if _, err := a.Keys(ctx, "shop"); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("the keys of a deleted app: %v", err)
	}
}

func TestAnAppIsDisabledAndEnabled(t *testing.T) {
	_, a := newAdmin(t)
	ctx := t.Context()
	made, err := a.CreateApp(ctx, admin.NewApp{Name: "A shop"})
	if err != nil {
		t.Fatal(err)
	}
	is := func(want bool) {
		t.Helper()
		if app, err := a.App(ctx, made.ID); err != nil || app.Disabled != want {
			t.Errorf("the app is %+v, %v", app, err)
		}
	}
	if err := a.DisableApp(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	is(true)
	if err := a.EnableApp(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	is(false)
	if err := a.DisableApp(ctx, "test"); !errors.Is(err, admin.ErrInUse) {
		t.Errorf("its own app: %v", err)
	}
}

func TestRedirectsAreListedAsTheyWereAdded(t *testing.T) {
	_, a := newAdmin(t)
	ctx := t.Context()
	must[*admin.App](t)(a.CreateApp(ctx, admin.NewApp{ID: "shop", Name: "shop"}))
	const one, two = "https://shop.example/callback?a=1", "http://127.0.0.1/callback"
	if err := errors.Join(a.AddRedirect(ctx, "shop", one), a.AddRedirect(ctx, "shop", two), a.AddRedirect(ctx, "shop", one)); err != nil {
		t.Fatal(err)
	}
	if got := must[[]string](t)(a.Redirects(ctx, "shop")); !reflect.DeepEqual(got, []string{one, two}) {
		t.Errorf("registered: %q", got)
	}
	if err := a.RemoveRedirect(ctx, "shop", one); err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveRedirect(ctx, "shop", one); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if got := must[[]string](t)(a.Redirects(ctx, "shop")); !reflect.DeepEqual(got, []string{two}) {
		t.Errorf("left: %q", got)
	}
}

func TestAnAppMayDoWhatWasSaidWhenItWasMade(t *testing.T) {
	_, a := newAdmin(t)
	made := must[*admin.App](t)(a.CreateApp(t.Context(), admin.NewApp{ID: "shop", Name: "shop", Publish: admin.Matching("order.#", "a,b"), Listen: admin.Everything()}))
	for _, app := range []*admin.App{made, must[*admin.App](t)(a.App(t.Context(), "shop"))} {
		if !reflect.DeepEqual(app.Publish, admin.Matching("order.#", "a,b")) || !reflect.DeepEqual(app.Listen, admin.Matching("#")) {
			t.Errorf("may publish %v and listen to %v", app.Publish, app.Listen)
		}
	}
	if _, err := a.CreateApp(t.Context(), admin.NewApp{ID: "bad", Name: "bad", Publish: admin.Matching("order*")}); err == nil || !strings.Contains(err.Error(), "wildcard") {
		t.Errorf("a bad pattern: %v", err)
	}
}

func TestAKeyBeginsWithItsBindings(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	must[*admin.App](t)(a.CreateApp(ctx, admin.NewApp{ID: "shop", Name: "shop", Listen: admin.Matching("order.#")}))
	for name, row := range map[string]struct{ asked, want []string }{
		"some":       {[]string{"order.paid", "order.*"}, []string{"order.*", "order.paid"}},
		"none":       {[]string{}, nil},
		"not a word": {nil, nil},
	} {
		key := must[*admin.Key](t)(a.CreateKey(ctx, "shop", admin.NewKey{Bindings: row.asked}))
		var got []string
		for _, b := range must[[]notify.Binding](t)(notify.NewQueueClient(connect(srv, key)).Bindings(ctx, "")) {
			got = append(got, b.Pattern)
		}
		if !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
	if _, err := a.CreateKey(ctx, "shop", admin.NewKey{Bindings: []string{"stock.#"}}); !errors.Is(err, prism.ErrForbidden) || !strings.Contains(err.Error(), "order.#") {
		t.Errorf("bound to what the app may not listen to: %v", err)
	}
	if keys := must[[]*admin.Key](t)(a.Keys(ctx, "shop")); len(keys) != 3 {
		t.Errorf("the app has %d keys", len(keys))
	}
}

func TestNothingEverythingAndPatternsAreDifferent(t *testing.T) {
	_, a := newAdmin(t)
	ctx := t.Context()
	for _, allowed := range []admin.Permission{admin.Nothing(), admin.Everything(), {"order.*", "a,b"}, {`日本.#`, `\\.*`}} {
		if err := errors.Join(a.AllowPublish(ctx, "test", allowed), a.AllowListen(ctx, "test", allowed)); err != nil {
			t.Fatal(err)
		}
		app := must[*admin.App](t)(a.App(ctx, "test"))
		if !reflect.DeepEqual(app.Publish, allowed) || !reflect.DeepEqual(app.Listen, allowed) {
			t.Errorf("allowed %q, found %#v and %#v", allowed, app.Publish, app.Listen)
		}
	}
}

func TestWhatAnAppMayDoCanBeSaidAgain(t *testing.T) {
	srv, a := newAdmin(t)
	app := must[*admin.App](t)(a.App(t.Context(), "test"))
	if app.Publish.String() != "everything" || app.Listen.String() != "everything" {
		t.Fatalf("a new app may publish %v and listen to %v", app.Publish, app.Listen)
	}
	if err := errors.Join(a.AllowPublish(t.Context(), "test", app.Publish), a.AllowListen(t.Context(), "test", app.Listen)); err != nil {
		t.Fatal(err)
	}
	if err := notify.NewQueueClient(srv.Client()).Publish(t.Context(), "order.new", []byte("x")); err != nil {
		t.Error(err)
	}
	if srv.Depth("") != 1 {
		t.Error("the message was not routed")
	}
	made := must[*admin.App](t)(a.CreateApp(t.Context(), admin.NewApp{Name: "the same", Publish: app.Publish, Listen: app.Listen}))
	if made.Publish.String() != "everything" || made.Listen.String() != "everything" {
		t.Errorf("an app that is made like it may publish %v and listen to %v", made.Publish, made.Listen)
	}
}

func TestAPermissionThatSaysNothingIsNothing(t *testing.T) {
	_, a := newAdmin(t)
	var none admin.Permission
	made := must[*admin.App](t)(a.CreateApp(t.Context(), admin.NewApp{Name: "x", Publish: none, Listen: none}))
	if err := errors.Join(a.AllowPublish(t.Context(), "test", none), a.AllowListen(t.Context(), "test", none)); err != nil {
		t.Fatal(err)
	}
	for _, app := range []*admin.App{made, must[*admin.App](t)(a.App(t.Context(), "test"))} {
		if none.String() != "nothing" || app.Publish.String() != "nothing" || app.Listen.String() != "nothing" {
			t.Errorf("%s may publish %v and listen to %v", app.ID, app.Publish, app.Listen)
		}
	}
}

func TestErrorsTellWhatIsWrong(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	err := func(_ any, err error) error { return err }
	plain := srv.NewKey()
	stranger := admin.New(srv.ClientFor(plain))
	for name, row := range map[string]struct {
		err   error
		is    error
		words string
	}{
		"no admin key":       {err(stranger.Apps(ctx)), prism.ErrForbidden, "forbidden_admin"},
		"unknown app":        {err(a.App(ctx, "nope")), prism.ErrNotFound, "unknown_app"},
		"unknown key":        {err(a.Key(ctx, "nope")), prism.ErrNotFound, "unknown_key"},
		"key of no app":      {err(a.CreateKey(ctx, "nope", admin.NewKey{})), prism.ErrNotFound, "unknown_app"},
		"deleting no key":    {a.DeleteKey(ctx, "nope"), prism.ErrNotFound, "unknown_key"},
		"a slash in an ID":   {err(a.App(ctx, "a/b")), prism.ErrNotFound, ""},
		"an app that exists": {err(a.CreateApp(ctx, admin.NewApp{ID: "test", Name: "x"})), admin.ErrExists, "app_exists"},
		"no ID":              {err(a.App(ctx, "")), nil, "empty"},
		"no key":             {err(a.Key(ctx, "")), nil, "empty"},
		"dots":               {err(a.App(ctx, "..")), nil, "segment"},
		"no name":            {err(a.CreateApp(ctx, admin.NewApp{})), nil, "name"},
		"a bad pattern":      {a.AllowListen(ctx, "test", admin.Matching("order*")), nil, "wildcard"},
		"the own app":        {a.DeleteApp(ctx, "test"), admin.ErrInUse, "in_use"},
		"the own key":        {a.DeleteKey(ctx, srv.Key()), admin.ErrInUse, "in_use"},
	} {
		if row.err == nil || row.is != nil && !errors.Is(row.err, row.is) || !strings.Contains(row.err.Error(), row.words) {
			t.Errorf("%s: %v", name, row.err)
		}
		if errors.Is(row.err, prism.ErrUnauthorized) {
			t.Errorf("%s: matches ErrUnauthorized: %v", name, row.err)
		}
	}
}

func TestASecretIsNeitherPrintedNorListed(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	srv := prismtest.NewServerConfig(t, prismtest.Config{Logger: logger})
	a := admin.New(srv.Client())
	ctx := t.Context()
	key := must[*admin.Key](t)(a.CreateKey(ctx, "test", admin.NewKey{}))
	must[*admin.Key](t)(a.Key(ctx, key.ID))
	for _, listed := range must[[]*admin.Key](t)(a.Keys(ctx, "test")) {
		if listed.Secret != "" {
			t.Errorf("a list shows the secret of %v", listed)
		}
	}
	logger.Info("made", slog.Any("key", key), slog.Any("value", *key))
	shown := fmt.Sprintf("%v %+v %#v %s %v %#v", key, key, key, key, *key, *key) + log.String()
	if !strings.Contains(shown, key.ID) || strings.Contains(shown, key.Secret) || strings.Contains(shown, srv.Secret()) {
		t.Errorf("shows the secret, or no key: %s", shown)
	}
}

// The secret of a key that was made is told once: it must not be lost over
// members that another platform fills in its own way.
func TestUnusualMetaDoesNotHideASecret(t *testing.T) {
	for _, meta := range []string{`null`, `{}`, `[]`, `""`, `{"a":1}`, `{"a":{"b":"c"}}`} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"result":{"Key":"k","Secret":"s","Meta":%s,"Expired":-62135596800,"CreateTime":"2016-01-02T03:04:05.678+08:00","Other":[]},"error":null}`, meta)
		}))
		client, err := prism.New(prism.Config{Server: srv.URL, Key: "k", Secret: "s"})
		if err != nil {
			t.Fatal(err)
		}
		key, err := admin.New(client).CreateKey(context.Background(), "app", admin.NewKey{})
		if err != nil || key.Secret != "s" || !key.Expires.IsZero() {
			t.Errorf("meta %s: %v, %v", meta, key, err)
		}
		client.CloseIdleConnections()
		srv.Close()
	}
}

func TestAnotherDomainIsUnknown(t *testing.T) {
	other := platform.NewKey("elsewhere")
	store := must[*memory.Store](t)(memory.NewStore(other))
	store.AddApp(platform.App{ID: "elsewhere", Domain: "b"})
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Store: store}})
	a, ctx := admin.New(srv.Client()), t.Context()
	err := func(_ any, err error) error { return err }
	for what, err := range map[string]error{
		"app":        err(a.App(ctx, "elsewhere")),
		"key":        err(a.Key(ctx, other.ID)),
		"keys":       err(a.Keys(ctx, "elsewhere")),
		"new key":    err(a.CreateKey(ctx, "elsewhere", admin.NewKey{})),
		"permission": a.AllowPublish(ctx, "elsewhere", admin.Everything()),
		"app's end":  a.DeleteApp(ctx, "elsewhere"),
		"key's end":  a.DeleteKey(ctx, other.ID),
	} {
		if !errors.Is(err, prism.ErrNotFound) {
			t.Errorf("%s of another domain: %v", what, err)
		}
	}
	must[*prism.Response](t)(srv.ClientFor(other).Get(ctx, "platform/notify/status", nil))
}

func TestAnObjectThatIsNoKeyIsNotTakenForOne(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"result":{"a":1},"error":{"code":"","message":""}}`)
	}))
	defer stranger.Close()
	calls, err := prism.New(prism.Config{Server: stranger.URL, Key: "key", Secret: "secret-of-the-test"})
	if err != nil {
		t.Fatal(err)
	}
	c := admin.New(calls)
	for name, call := range map[string]func() error{
		"CreateApp": func() error { _, err := c.CreateApp(t.Context(), admin.NewApp{Name: "x"}); return err },
		"App":       func() error { _, err := c.App(t.Context(), "x"); return err },
		"CreateKey": func() error { _, err := c.CreateKey(t.Context(), "x", admin.NewKey{}); return err },
		"Key":       func() error { _, err := c.Key(t.Context(), "x"); return err },
		"DeleteKey": func() error { return c.DeleteKey(t.Context(), "x") },
	} {
		if err := call(); !errors.As(err, new(*prism.AnswerError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAClientThatIsNilShowsAtTheFirstCall(t *testing.T) {
	if _, err := admin.New(nil).Apps(t.Context()); err == nil || !strings.Contains(err.Error(), "the client is nil: make one with prism.New") {
		t.Errorf("got %v", err)
	}
}

func TestUsersAreMadeAndHaveRoles(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	hash := must[string](t)(platform.HashPassword("password", platform.MinIterations))
	if err := a.CreateUser(ctx, "olga", "7", hash); err != nil {
		t.Fatal(err)
	}
	if err := a.CreateUser(ctx, "olga", "", hash); !errors.Is(err, admin.ErrInUse) {
		t.Errorf("made again: %v", err)
	}
	if err := a.CreateMember(ctx, "dev@shop.example", ""); err != nil {
		t.Fatal(err)
	}
	want := []admin.UserRole{{"dan", admin.Developer, "default", "dev@shop.example"}, {"olga", admin.AdminRole, "shops", ""}}
	for _, role := range want {
		if err := a.SetUserRole(ctx, role); err != nil {
			t.Fatal(err)
		}
	}
	if got := must[[]admin.UserRole](t)(a.UserRoles(ctx)); !reflect.DeepEqual(got, want) {
		t.Errorf("roles %+v", got)
	}
	if err := a.RemoveUserRole(ctx, "olga"); err != nil {
		t.Error(err)
	}
	if err := a.RemoveUserRole(ctx, "olga"); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
	key := must[*admin.Key](t)(a.CreateKey(ctx, "test", admin.NewKey{}))
	if err := a.ExpireKey(ctx, key.ID, srv.Now()); err != nil {
		t.Fatal(err)
	}
	if now := must[*admin.Key](t)(a.Key(ctx, key.ID)); now.Expires.IsZero() {
		t.Errorf("the key ends never")
	}
	if err := a.ExpireKey(ctx, key.ID, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if now := must[*admin.Key](t)(a.Key(ctx, key.ID)); !now.Expires.IsZero() {
		t.Errorf("the key ends at %v", now.Expires)
	}
	if err := a.ExpireKey(ctx, key.ID, time.Unix(-5, 0)); err == nil {
		t.Error("a time that means never is taken")
	}
}
