package seed

import (
	"slices"
	"testing"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
)

var everything = []platform.Binding{{Pattern: "#"}}

// wantApp fails unless an app may publish and listen to all or to nothing.
func (s *stage) wantApp(id string, all bool) {
	s.t.Helper()
	app, err := s.users.App(s.t.Context(), id)
	if err != nil || app.Publish.Allows("order.new") != all || app.Listen.Allows("order.new") != all {
		s.t.Errorf("the app %s may publish %v and listen to %v, %v", id, app.Publish, app.Listen, err)
	}
}

func (s *stage) wantBindings(id string, want []platform.Binding) {
	s.t.Helper()
	if key, there := s.key(id); !there || !slices.Equal(key.Bindings, want) {
		s.t.Errorf("the queues of the key %s begin with %v, want %v", id, key.Bindings, want)
	}
}

func TestTheKeyThatServeMakesGetsEverything(t *testing.T) {
	s := newStage(t)
	own, err := s.try(settings.Lists{}, platform.Key{}, Key{})
	s.must(err)
	s.wantBindings(own.ID, everything)
	s.wantApp(FirstApp, true)
}

func TestTheKeyOfTheEnvironmentGetsEverythingWhateverElseIsSet(t *testing.T) {
	chosen := platform.Key{ID: "shop1", Secret: shopSecret}
	t.Run("alone", func(t *testing.T) {
		s := newStage(t)
		_, err := s.try(settings.Lists{}, chosen, Key{})
		s.must(err)
		s.wantBindings("shop1", everything)
		s.wantApp(FirstApp, true)
	})
	t.Run("in the list", func(t *testing.T) {
		s := newStage(t)
		l := shopKey(t, shopSecret)
		l.Keys = append(l.Keys, settings.Key{ID: "erp1", App: "erp", SecretFile: l.Keys[0].SecretFile})
		l.Apps = []settings.App{{ID: "shop", Name: "The shop"}, {ID: "erp"}}
		_, err := s.try(l, chosen, Key{ID: "operator", Secret: opsSecret})
		s.must(err)
		s.wantBindings("shop1", everything)
		s.wantApp("shop", true)
		s.wantBindings("erp1", nil)
		s.wantApp("erp", false)
		s.wantApp(AdminApp, false)
	})
	t.Run("the admin key", func(t *testing.T) {
		s := newStage(t)
		_, err := s.try(settings.Lists{}, chosen, Key{ID: chosen.ID, Secret: chosen.Secret})
		s.must(err)
		s.wantBindings("shop1", everything)
		s.wantApp(AdminApp, true)
	})
}

func TestAFirstKeyOfAnEarlierVersionBeginsWithEverything(t *testing.T) {
	chosen := platform.Key{ID: "shop1", Secret: shopSecret}
	for _, c := range []struct {
		name   string
		key    platform.Key // of the environment
		lists  settings.Lists
		stored []platform.Binding
		want   []platform.Binding
	}{
		{"made", platform.Key{}, settings.Lists{}, nil, everything},
		{"of the environment", chosen, settings.Lists{}, nil, everything},
		{"which was said to begin with none", platform.Key{}, settings.Lists{}, []platform.Binding{}, []platform.Binding{}},
		{"where the settings have bindings", platform.Key{}, settings.Lists{Bindings: []settings.Binding{{Pattern: "order.#"}}}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			shown, err := s.try(settings.Lists{}, c.key, Key{})
			s.must(err)
			key, _ := s.key(shown.ID)
			key.Bindings = c.stored
			s.must(s.users.SaveKey(t.Context(), key))
			for range 2 {
				again, err := s.try(c.lists, c.key, Key{})
				s.must(err)
				if again.ID != shown.ID {
					t.Errorf("the first key is %s, and was %s", again.ID, shown.ID)
				}
				s.wantBindings(shown.ID, c.want)
			}
			if now, _ := s.key(shown.ID); now.Secret != key.Secret || now.App != key.App || !now.Admin {
				t.Errorf("the key became %+v", now)
			}
		})
	}
}

// What a client needs may be in the environment by chance.
func TestAKeyOfTheEnvironmentThatAnAdministratorMadeStaysAsItIs(t *testing.T) {
	s := newStage(t)
	_, err := s.try(settings.Lists{}, platform.Key{}, Key{})
	s.must(err)
	s.must(s.users.SaveApp(t.Context(), platform.App{ID: "erp"}))
	s.must(s.users.SaveKey(t.Context(), platform.Key{ID: "erp1", App: "erp", Secret: shopSecret}))
	_, err = s.try(settings.Lists{}, platform.Key{ID: "erp1", Secret: shopSecret}, Key{})
	s.must(err)
	s.wantBindings("erp1", nil)
}

func TestTheBindingsOfTheSettingsStandInPlaceOfThoseOfTheFirstKey(t *testing.T) {
	s := newStage(t)
	l := settings.Lists{Bindings: []settings.Binding{{Pattern: "order.#", Topic: "orders"}}}
	_, err := s.try(l, platform.Key{ID: "shop1", Secret: shopSecret}, Key{})
	s.must(err)
	s.wantBindings("shop1", nil)
}

func TestAnAppOfTheSettingsMayDoWhatTheySayAndNoMore(t *testing.T) {
	s := newStage(t)
	l := shopKey(t, shopSecret)
	l.Apps = []settings.App{{ID: "erp", Publish: []string{"stock.#"}}}
	s.start(l)
	s.wantApp("shop", false)
	app, err := s.users.App(t.Context(), "erp")
	if err != nil || !slices.Equal(app.Publish, []string{"stock.#"}) || app.Listen.Allows("order.new") {
		t.Errorf("the app may publish %v and listen to %v, %v", app.Publish, app.Listen, err)
	}
	s.wantBindings("shop1", nil)
}

// An app of an earlier version may do everything until somebody says otherwise.
func TestWhatAnAppThatIsThereMayDoStays(t *testing.T) {
	s := newStage(t)
	s.must(s.users.SaveApp(t.Context(), platform.App{ID: "shop"}))
	l := shopKey(t, shopSecret)
	l.Apps = []settings.App{{ID: "shop", Name: "The shop"}}
	s.start(l)
	s.wantApp("shop", true)
}
