package seed

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

const (
	opsSecret  = "secret-of-the-operator"
	shopSecret = "secret-of-the-shop-no-1"
)

// inFile writes a file for a test.
func inFile(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A stage is a platform that is started again and again over one store, with other
// settings.
type stage struct {
	t     *testing.T
	store platform.Store
	users *platform.Registry
	said  string // by the last start
}

func newStage(t *testing.T) *stage {
	store := new(memory.Store)
	return &stage{t: t, store: store, users: platform.NewRegistry(store)}
}

// try is a start with lists and the key of the environment, if any.
func (s *stage) try(l settings.Lists, chosen platform.Key, adminKey Key) (Key, error) {
	s.t.Helper()
	var said strings.Builder
	registry := platform.NewRegistry(s.store)
	registry.Iterations = platform.MinIterations
	seed := &seeder{store: s.store, registry: registry, lists: l, from: settings.Sources{}, notice: func(format string, args ...any) {
		fmt.Fprintf(&said, format+"\n", args...)
	}}
	err := seed.users(s.t.Context())
	var shown Key
	if err == nil {
		shown, err = seed.keys(s.t.Context(), chosen, adminKey)
	}
	if err == nil {
		err = seed.takeAway(s.t.Context())
	}
	if err == nil {
		err = seed.nameUngiven(s.t.Context(), shown.ID)
	}
	s.said = said.String()
	return shown, err
}

func (s *stage) start(l settings.Lists) {
	s.t.Helper()
	if _, err := s.try(l, platform.Key{}, Key{ID: "operator", Secret: opsSecret}); err != nil {
		s.t.Fatal(err)
	}
}

// says fails unless the last start has said all texts.
func (s *stage) says(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.said, text) {
			s.t.Errorf("%q is not in %q", text, s.said)
		}
	}
}

// as is an admin key of the platform.
func (s *stage) as(id, secret string) *admin.Client {
	s.t.Helper()
	srv := prismtest.NewServerConfig(s.t, prismtest.Config{Platform: platform.Config{Store: s.store, ReservedApps: []string{FirstApp, AdminApp}}, Key: "test", Secret: "secret-of-the-test-key"})
	return admin.New(srv.ClientFor(platform.Key{ID: id, Secret: secret}))
}

func (s *stage) operator() *admin.Client { return s.as("operator", opsSecret) }

func (s *stage) key(id string) (platform.Key, bool) {
	s.t.Helper()
	key, err := s.users.Key(s.t.Context(), id)
	if err != nil && err != platform.ErrUnknownKey {
		s.t.Fatal(err)
	}
	return key, err == nil
}

func (s *stage) logsIn(login, password string) bool {
	s.t.Helper()
	_, err := s.users.Authenticate(s.t.Context(), login, password)
	if err != nil && err != platform.ErrWrongPassword {
		s.t.Fatal(err)
	}
	return err == nil
}

func (s *stage) epoch(login string) string {
	s.t.Helper()
	epoch, err := s.users.Epoch(s.t.Context(), login)
	if err != nil {
		s.t.Fatal(err)
	}
	return epoch
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func shopKey(t *testing.T, secret string) settings.Lists {
	return settings.Lists{Keys: []settings.Key{{ID: "shop1", App: "shop", SecretFile: inFile(t, "secret", secret)}}}
}

func alice(t *testing.T, password string) settings.Lists {
	return settings.Lists{Users: []settings.User{{Login: "alice", PasswordFile: inFile(t, "password", password)}}}
}

func TestAKeyThatACallHasDeletedStaysDeleted(t *testing.T) {
	s := newStage(t)
	s.start(shopKey(t, shopSecret))
	s.must(s.operator().DeleteKey(t.Context(), "shop1"))
	for range 2 {
		s.start(shopKey(t, shopSecret))
		s.says("The key shop1 was deleted since the settings gave it, and stays so; with another secret it is made again.")
		if _, there := s.key("shop1"); there {
			t.Fatal("the key is back")
		}
	}
	s.start(shopKey(t, "another-"+shopSecret))
	if key, there := s.key("shop1"); !there || key.Secret != "another-"+shopSecret {
		t.Errorf("with another secret it is %v", key)
	}
}

func TestAnAppThatACallHasDeletedStaysDeletedWithItsKeys(t *testing.T) {
	s := newStage(t)
	l := shopKey(t, shopSecret)
	l.Apps = []settings.App{{ID: "shop", Redirects: []string{"https://shop.example/cb"}}}
	s.start(l)
	s.must(s.operator().DeleteApp(t.Context(), "shop"))
	s.start(l)
	s.says("The app shop was deleted since the settings gave it, and stays so; \"prismctl app create NAME --id shop\" makes it again.", "The key shop1 is not made")
	if _, err := s.users.App(t.Context(), "shop"); err != platform.ErrUnknownApp {
		t.Errorf("the app: %v", err)
	}
	if _, there := s.key("shop1"); there {
		t.Error("the key is back")
	}
}

func TestARotatedKeyKeepsItsNewSecret(t *testing.T) {
	s := newStage(t)
	s.start(shopKey(t, shopSecret))
	rotated, err := s.operator().RotateKey(t.Context(), "shop1", 0)
	s.must(err)
	s.start(shopKey(t, shopSecret))
	s.says("The key shop1 has a newer secret than that of the settings")
	if key, _ := s.key("shop1"); key.Secret != rotated.Secret {
		t.Error("the old secret is back")
	}
	s.start(shopKey(t, rotated.Secret))
	if strings.Contains(s.said, "shop1") {
		t.Errorf("with the new secret it says %q", s.said)
	}
}

func TestAKeyThatIsTakenOutOfTheSettingsIsRefused(t *testing.T) {
	s := newStage(t)
	s.start(shopKey(t, shopSecret))
	use := func() error {
		_, err := s.as("shop1", shopSecret).Apps(t.Context())
		return err
	}
	if err := use(); !strings.Contains(err.Error(), "forbidden_admin") {
		t.Fatal(err)
	}
	s.start(settings.Lists{})
	s.says("The key shop1 is not in the settings any more: it is refused from now on.")
	if err := use(); !strings.Contains(err.Error(), "key_expired") {
		t.Errorf("it is answered %v", err)
	}
	s.start(shopKey(t, shopSecret))
	if err := use(); !strings.Contains(err.Error(), "forbidden_admin") {
		t.Errorf("back in the settings it is answered %v", err)
	}
}

func TestARenamedAdminKeyIsRefusedAndAnUnknownOneIsNamed(t *testing.T) {
	s := newStage(t)
	s.start(settings.Lists{})
	s.must(s.users.SaveKey(t.Context(), platform.Key{ID: "forgotten", Secret: opsSecret, App: AdminApp, Admin: true}))
	_, err := s.try(settings.Lists{}, platform.Key{}, Key{ID: "operator2", Secret: opsSecret})
	s.must(err)
	s.says("The key operator is not in the settings any more", "The key forgotten is an admin key that no setting gives; \"prismctl key delete forgotten\" takes it away.")
	if _, err := s.operator().Apps(t.Context()); err == nil || !strings.Contains(err.Error(), "key_expired") {
		t.Errorf("the old one is answered %v", err)
	}
}

func TestAUserWhoIsTakenOutOfTheSettingsIsGone(t *testing.T) {
	s := newStage(t)
	s.start(alice(t, "open sesame"))
	if !s.logsIn("alice", "open sesame") {
		t.Fatal("alice cannot log in")
	}
	before := s.epoch("alice")
	s.start(settings.Lists{})
	s.says("The user alice is not in the settings any more: deleted, and logged out everywhere.")
	if s.logsIn("alice", "open sesame") {
		t.Error("alice can log in")
	}
	s.start(alice(t, "open sesame"))
	if !s.logsIn("alice", "open sesame") || s.epoch("alice") == before {
		t.Error("alice is back with her old sessions, or not back")
	}
}

func TestAStartLogsNobodyOutWhoIsInTheSettingsAsBefore(t *testing.T) {
	s := newStage(t)
	hash, err := platform.HashPassword("open sesame", platform.MinIterations)
	s.must(err)
	for name, l := range map[string]settings.Lists{"a password": alice(t, "open sesame"), "a hash": {Users: []settings.User{{Login: "alice", PasswordHash: hash}}}} {
		s.start(l)
		s.logsIn("alice", "open sesame") // the hash is made costlier
		before := s.epoch("alice")
		s.start(l)
		if s.epoch("alice") != before {
			t.Errorf("%s: the sessions have ended", name)
		}
	}
	old := newStage(t) // records of an earlier version, which did not remember what it gave
	s.must(old.users.SaveUser(t.Context(), platform.User{ID: "alice", Login: "alice"}, hash))
	before := old.epoch("alice")
	old.start(alice(t, "open sesame"))
	if old.epoch("alice") != before {
		t.Error("the sessions of an earlier version have ended")
	}
}

func TestWhatACallHasTakenFromAUserIsNotGivenBack(t *testing.T) {
	s := newStage(t)
	s.start(alice(t, "open sesame"))
	hash, err := platform.HashPassword("another", platform.MinIterations)
	s.must(err)
	srv := s.operator()
	s.must(srv.SetPassword(t.Context(), "alice", hash))
	s.start(alice(t, "open sesame"))
	if s.logsIn("alice", "open sesame") || !s.logsIn("alice", "another") {
		t.Error("the password of the settings is back")
	}
	s.must(s.operator().DisableUser(t.Context(), "alice"))
	s.start(alice(t, "open sesame"))
	if s.logsIn("alice", "another") {
		t.Error("a disabled user can log in")
	}
	s.must(s.operator().DeleteUser(t.Context(), "alice"))
	s.start(alice(t, "open sesame"))
	s.says("The user alice was deleted since the settings gave it, and stays so; with another password the user is made again.")
	if s.logsIn("alice", "open sesame") {
		t.Error("a deleted user can log in")
	}
	s.start(alice(t, "new sesame"))
	if !s.logsIn("alice", "new sesame") {
		t.Error("alice cannot log in with a new password of the settings")
	}
}

func TestAPermissionAndARedirectThatACallHasTakenStayAway(t *testing.T) {
	s := newStage(t)
	l := settings.Lists{Apps: []settings.App{{ID: "shop", Redirects: []string{"https://shop.example/cb"}, Publish: []string{"#"}}}}
	s.start(l)
	s.must(s.operator().AllowPublish(t.Context(), "shop", admin.Nothing()))
	_, err := s.users.UpdateApp(t.Context(), "shop", func(app *platform.App) error {
		app.Redirects = nil
		return nil
	})
	s.must(err)
	s.start(l)
	if app, _ := s.users.App(t.Context(), "shop"); app.Publish == nil || len(app.Publish)+len(app.Redirects) > 0 {
		t.Errorf("the app has %q and %q", app.Publish, app.Redirects)
	}
	l.Apps[0].Redirects = []string{"https://shop.example/cb2"}
	s.start(l)
	if app, _ := s.users.App(t.Context(), "shop"); len(app.Redirects) != 1 || len(app.Publish) > 0 {
		t.Errorf("the app has %q and %q", app.Publish, app.Redirects)
	}
	s.start(settings.Lists{})
	s.says("The redirects of the app shop are not in the settings any more")
	if app, _ := s.users.App(t.Context(), "shop"); len(app.Redirects) > 0 {
		t.Errorf("the app has %q", app.Redirects)
	}
}

func TestAStartRefusesAnAppOfAnotherDomain(t *testing.T) {
	for name, l := range map[string]func(*testing.T) settings.Lists{
		"an app": func(*testing.T) settings.Lists { return settings.Lists{Apps: []settings.App{{ID: "billing"}}} },
		"a key's app": func(t *testing.T) settings.Lists {
			return settings.Lists{Keys: []settings.Key{{ID: "k1", App: "billing", SecretFile: inFile(t, "secret", shopSecret)}}}
		},
		"a key": func(t *testing.T) settings.Lists {
			return settings.Lists{Keys: []settings.Key{{ID: "theirs", App: "mine", SecretFile: inFile(t, "secret", shopSecret)}}}
		},
		"its own app": func(*testing.T) settings.Lists { return settings.Lists{Redirects: []string{"https://a.example/"}} },
	} {
		s := newStage(t)
		for _, id := range []string{"billing", FirstApp} {
			s.must(s.users.SaveApp(t.Context(), platform.App{ID: id, Domain: "mars"}))
		}
		s.must(s.users.SaveKey(t.Context(), platform.Key{ID: "theirs", Secret: "secret-of-the-martians", App: "billing"}))
		_, err := s.try(l(t), platform.Key{ID: "chosen", Secret: shopSecret}, Key{})
		if name != "its own app" {
			_, err = s.try(l(t), platform.Key{}, Key{ID: "operator", Secret: opsSecret})
		}
		if err == nil || !strings.Contains(err.Error(), "in the domain mars") {
			t.Errorf("%s: %v", name, err)
		}
		if key, _ := s.key("theirs"); key.Secret != "secret-of-the-martians" {
			t.Errorf("%s: the key has become %v", name, key)
		}
	}
	s := newStage(t)
	s.must(s.users.SaveApp(t.Context(), platform.App{ID: "billing", Domain: "mars"}))
	named := settings.Lists{Apps: []settings.App{{ID: "billing", Domain: "mars"}}, Keys: []settings.Key{{ID: "k1", App: "billing", SecretFile: inFile(t, "secret", shopSecret)}}}
	s.start(named)
	for name, l := range map[string]settings.Lists{"without its domain": {Apps: []settings.App{{ID: "billing"}}}, "not named": {Keys: named.Keys}} {
		if _, err := s.try(l, platform.Key{}, Key{ID: "operator", Secret: opsSecret}); err == nil || !strings.Contains(err.Error(), "in the domain mars") {
			t.Errorf("%s: %v", name, err)
		}
	}
	named.Apps[0].Domain = "venus"
	s.start(named)
	if app, _ := s.users.App(t.Context(), "billing"); app.Domain != "venus" {
		t.Errorf("the settings have moved it to %q", app.Domain)
	}
}

func TestTheAppsOfTheOperatorCannotBeTakenBefore(t *testing.T) {
	s := newStage(t)
	s.start(settings.Lists{})
	for _, id := range []string{FirstApp, AdminApp} {
		if _, err := s.operator().CreateApp(t.Context(), admin.NewApp{ID: id, Name: "x"}); err == nil {
			t.Errorf("%s was made", id)
		}
	}
}

func TestANewSecretIsLongEnoughAndAStoredOneGoesOn(t *testing.T) {
	s := newStage(t)
	const short = "fifteen-letters"
	refused := "has 15 characters, and could be guessed from recorded calls: choose one of 16 or more"
	for name, try := range map[string]func() error{
		"a key": func() error { _, err := s.try(shopKey(t, short), platform.Key{}, Key{}); return err },
		"an admin": func() error {
			_, err := s.try(settings.Lists{}, platform.Key{}, Key{ID: "a", Secret: short})
			return err
		},
		"environment": func() error {
			_, err := s.try(settings.Lists{}, platform.Key{ID: "k", Secret: short}, Key{})
			return err
		},
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), refused) || strings.Contains(err.Error(), short) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.must(s.users.SaveApp(t.Context(), platform.App{ID: "shop"}))
	s.must(s.users.SaveKey(t.Context(), platform.Key{ID: "shop1", Secret: short, App: "shop"}))
	for range 2 {
		s.start(shopKey(t, short))
		s.says("WARNING: the secrets of these keys have fewer than 16 characters, and can be guessed from recorded calls: shop1.")
	}
	if _, err := s.try(settings.Lists{}, platform.Key{ID: "shop1", Secret: short}, Key{}); err != nil {
		t.Error(err)
	}
	s.says("WARNING: the secrets of these keys have fewer than 16 characters, and can be guessed from recorded calls: shop1.")
}
