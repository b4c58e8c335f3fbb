package storetest

import (
	"slices"

	"github.com/shopex/prism-go/platform"
)

func lists() []promise {
	return []promise{
		{"KeysAreFound", findKeys},
		{"AppsAreFound", findApps},
	}
}

func findKeys(t *trial) {
	for _, want := range t.config.Keys {
		if got, err := t.store.Key(t.ctx, want.ID); err != nil || got != want {
			t.Fatalf("key %q came out as that of %q with %d bytes of secret, error %v", want.ID, got.App, len(got.Secret), err)
		}
	}
	for _, id := range []string{name(), "", t.config.Apps[0].Name, "no such/key *.>"} {
		_, err := t.store.Key(t.ctx, id)
		t.refused(err, platform.ErrUnknownKey, "an unknown key")
	}
}

func findApps(t *trial) {
	for _, want := range t.config.Apps {
		got, err := t.store.App(t.ctx, want.Name)
		if err != nil || got.Name != want.Name || !slices.Equal(got.Redirects, want.Redirects) {
			t.Fatalf("app came out as %+v, error %v, want %+v", got, err, want)
		}
	}
	for _, unknown := range []string{name(), "", t.config.Keys[0].ID, "no such/app *.>"} {
		_, err := t.store.App(t.ctx, unknown)
		t.refused(err, platform.ErrUnknownApp, "an unknown app")
	}
}
