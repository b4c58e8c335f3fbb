package admin_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

func TestASecretIsShownWhenItIsMadeOnly(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	made := must[*admin.Key](t)(a.CreateKey(ctx, "test", admin.NewKey{}))
	if found := must[*admin.Key](t)(a.Key(ctx, made.ID)); made.Secret == "" || found.Secret != "" {
		t.Errorf("found %v with a secret", found)
	}
	for _, secret := range []string{made.Secret, must[*admin.Key](t)(a.RotateKey(ctx, made.ID, time.Hour)).Secret} {
		for _, call := range srv.Calls() {
			if strings.Contains(string(call.Params.Encode()), secret) {
				t.Errorf("a call has a secret: %+v", call)
			}
		}
	}
}

func TestBothSecretsAreGoodUntilTheEndOfTheGrace(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	old := must[*admin.Key](t)(a.CreateKey(ctx, "test", admin.NewKey{}))
	use := func(key *admin.Key) error {
		_, err := connect(srv, key).Get(ctx, "platform/notify/status", nil)
		return err
	}
	rotated := must[*admin.Key](t)(a.RotateKey(ctx, old.ID, time.Hour))
	if rotated.ID != old.ID || rotated.Secret == old.Secret || len(rotated.Secret) != 20 {
		t.Errorf("rotated to %#v", rotated)
	}
	if err := errors.Join(use(old), use(rotated)); err != nil {
		t.Error(err)
	}
	srv.Advance(time.Hour)
	if err := use(old); !errors.Is(err, prism.ErrUnauthorized) {
		t.Errorf("the old secret after its grace: %v", err)
	}
	again := must[*admin.Key](t)(a.RotateKey(ctx, old.ID, 0))
	if err := use(rotated); !errors.Is(err, prism.ErrUnauthorized) {
		t.Errorf("the old secret without a grace: %v", err)
	}
	if err := use(again); err != nil {
		t.Error(err)
	}
	for _, grace := range []time.Duration{-time.Second, time.Millisecond, 91 * 24 * time.Hour} {
		if _, err := a.RotateKey(ctx, old.ID, grace); err == nil {
			t.Errorf("a grace of %v is accepted", grace)
		}
	}
	if _, err := a.RotateKey(ctx, "nope", 0); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("a key that is not there: %v", err)
	}
}

func TestAUserIsAdministered(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	srv.AddUser(platform.User{ID: "7", Login: "ann"}, "secret")
	hash, err := platform.HashPassword("another", platform.MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	state := func() admin.User {
		users := must[[]*admin.User](t)(a.Users(ctx))
		if len(users) != 1 {
			t.Fatalf("%d users", len(users))
		}
		return *users[0]
	}
	if u := state(); u.ID != "7" || u.Login != "ann" || u.Disabled || u.Since.IsZero() {
		t.Errorf("listed %+v", u)
	}
	if err := a.DisableUser(ctx, "ann"); err != nil || !state().Disabled {
		t.Errorf("disabled: %v, %+v", err, state())
	}
	if err := errors.Join(a.EnableUser(ctx, "ann"), a.EndUserSessions(ctx, "ann"), a.SetPassword(ctx, "ann", hash)); err != nil || state().Disabled {
		t.Errorf("enabled: %v, %+v", err, state())
	}
	for _, bad := range []string{"", "secret", strings.Replace(hash, "$100000$", "$1$", 1), strings.Replace(hash, "$100000$", "$100000000$", 1)} {
		if err := a.SetPassword(ctx, "ann", bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := a.DeleteUser(ctx, "ann"); err != nil {
		t.Error(err)
	}
	if err := a.DisableUser(ctx, "ann"); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("a user who is not there: %v", err)
	}
	for _, call := range srv.Calls() {
		if strings.Contains(call.Params.Encode(), "pbkdf2") {
			t.Errorf("a call has the hash of a password: %+v", call)
		}
	}
}

func TestUsersAreOfTheOperatorOnly(t *testing.T) {
	other := platform.NewKey("elsewhere")
	other.Admin = true
	store := must[*memory.Store](t)(memory.NewStore(other))
	store.AddApp(platform.App{ID: "elsewhere", Domain: "b"})
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{Store: store}})
	srv.AddUser(platform.User{Login: "ann"}, "secret")
	a, ctx := admin.New(srv.ClientFor(other)), t.Context()
	_, listing := a.Users(ctx)
	for _, err := range []error{listing, a.DisableUser(ctx, "ann"), a.DeleteUser(ctx, "ann"), a.EndUserSessions(ctx, "nobody")} {
		var refused *prism.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusForbidden || refused.Code != "forbidden_users" {
			t.Errorf("an admin of another domain: %v", err)
		}
	}
}
