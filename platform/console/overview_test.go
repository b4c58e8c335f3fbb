package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestTheOverviewSaysWhatNeedsAttention(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	if page := b.get("/"); !strings.Contains(page, "no queue is full") {
		t.Error("of a platform where all is well the overview says something else: ", page)
	}
	if got := b.post("/queues/write", url.Values{"key": {"shop-key"}, "routing_key": {"order.<b>"}, "data": {"x"}, "body": {"x"}}); got.status != http.StatusSeeOther {
		t.Fatalf("publishing: %d %s", got.status, got.body)
	}
	if page := b.get("/"); !strings.Contains(page, "shop-key/default queue") || !strings.Contains(page, "has no consumer since ") || !strings.Contains(page, " UTC. Messages that wait: 1.") {
		t.Error("the overview does not tell of a queue that nobody consumes: ", page)
	}
	var doc struct {
		Attention []struct{ What, Key string }
		Messages  int
	}
	b.json("/", &doc)
	if len(doc.Attention) != 1 || doc.Attention[0].What != "no_consumer" || doc.Attention[0].Key != "shop-key" || doc.Messages != 1 {
		t.Errorf("as JSON: %+v", doc)
	}
}

func TestTheOverviewOfAMemberThatIsGoneSaysSo(t *testing.T) {
	s := newSite(t)
	b := s.user(platform.UserRole{Login: "dev", Role: platform.DeveloperRole, Member: "dev@example.com"})
	if page := b.get("/"); !strings.Contains(page, "member who is not there") {
		t.Error(page)
	}
}

// A fullEngine is on a disk of which a tenth is left.
type fullEngine struct{ *memory.Queues }

func (fullEngine) Ready(context.Context) error { return errors.New("<b>gone</b>") }
func (fullEngine) Disk() (platform.Disk, bool) {
	return platform.Disk{Free: 120 << 30, Total: 1000 << 30, Reserve: 20 << 30}, true
}

func TestTheOverviewTellsOperatorsHowThePlatformIs(t *testing.T) {
	s := newSite(t, func(cfg *platform.Config) { cfg.Queues, cfg.Version = fullEngine{memory.New(memory.Config{})}, "v9.9" })
	page := s.operator().get("/")
	for _, want := range []string{
		"cannot store anything:", "&lt;b&gt;gone", "100 GiB of 1,000 GiB are left", "not ready", "v9.9", "0 min", `width="88.0%"`, "120 GiB of 1,000 GiB are free, of which 20 GiB",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the overview lacks %q: %s", want, page)
		}
	}
	admin := s.user(platform.UserRole{Login: "ann", Role: platform.AdminRole})
	if page := admin.get("/"); strings.Contains(page, "GiB") || strings.Contains(page, "gone") {
		t.Errorf("an admin of a domain sees it, too: %s", page)
	}
}
