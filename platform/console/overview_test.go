package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
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
	if page := b.get("/"); !strings.Contains(page, "shop-key/default queue") || !strings.Contains(page, "has no consumer. Messages that wait: 1.") {
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
