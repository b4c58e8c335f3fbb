package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// A clock is that of a platform.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(c.at.Load(), 0) }
func (c *clock) set(at time.Time)     { c.at.Store(at.Unix()) }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d / time.Second)) }

// noon is in the middle of a minute and an hour.
var noon = time.Date(2026, 3, 1, 12, 30, 30, 0, time.UTC)

// called is a site with the service goods, where calls can be made at any time.
func called(t *testing.T, more ...func(*platform.Config)) (s *site, c *clock, api string) {
	t.Helper()
	c = new(clock)
	c.set(noon)
	s = newSite(t, append(more, func(cfg *platform.Config) { cfg.Now, cfg.SignWindow = c.now, platform.AnyAge })...)
	b := s.operator()
	id := b.imported(echo(t))
	b.done("/apis/"+id+"/config", url.Values{"key": {"token"}, "value": {"canary-token"}})
	b.done("/apis/"+id+"/online", nil)
	b.done("/apis/"+id+"/bind", url.Values{"app_id": {"shop"}, "path": {"*"}})
	return s, c, "/apis/" + id + "/api?id=item.get"
}

// item calls an API of goods, and nothing one that it does not have.
func (s *site) item(t *testing.T, b *browser, api string, want int) {
	t.Helper()
	if got := b.call("GET", "goods/"+api, nil, shopKey, shopKey.Secret); got.status != want {
		t.Fatalf("GET %s: %d %s", api, got.status, got.body)
	}
}

type statsDoc struct {
	Past    string
	Step    int64 `json:"step_seconds"`
	Calls   int64
	Refused int64
	Rate    float64 `json:"per_second"`
	Points  []struct{ Time, Calls, Refused int64 }
}

func TestAPIsAndTheOverviewHaveCurves(t *testing.T) {
	s, c, api := called(t)
	b := s.operator()
	c.pass(-90 * time.Minute)
	s.item(t, b, "item/1", http.StatusOK) // before the hour
	c.set(noon.Add(-time.Minute))
	for range 6 {
		s.item(t, b, "item/1", http.StatusOK)
	}
	s.item(t, b, "nothing", http.StatusNotFound)
	c.set(noon)
	var one struct{ Stats statsDoc }
	b.json(api, &one)
	if d := one.Stats; d.Calls != 6 || d.Refused != 0 || d.Rate != 0.1 || d.Step != 60 || d.Past != "hour" || len(d.Points) != 1 || d.Points[0].Time != noon.Add(-time.Minute).Truncate(time.Minute).Unix() {
		t.Errorf("of an API: %+v", d)
	}
	b.json("/", &one)
	if d := one.Stats; d.Calls != 7 || d.Refused != 1 || len(d.Points) != 1 || d.Points[0].Calls != 7 {
		t.Errorf("of all in an hour: %+v", d)
	}
	b.json("/?past=month", &one)
	if d := one.Stats; d.Calls != 8 || d.Step != 3600 || len(d.Points) != 2 {
		t.Errorf("of all in 30 days: %+v", d)
	}
	for path, charts := range map[string]int{api: 2, "/": 3, "/?past=month": 3} {
		page := b.get(path)
		if strings.Count(page, `<svg class="plot`) != charts || !strings.Contains(page, "<td>") || !strings.Contains(page, `aria-current="true"`) {
			t.Errorf("%s has no curves with a table: %s", path, page)
		}
	}
	if page := b.get(api); !strings.Contains(page, "&amp;past=month") {
		t.Error("the switch of the time forgets which API it is")
	}
}

func TestWhoSeesNoCallsSeesNoCurves(t *testing.T) {
	s, _, _ := called(t)
	s.apiMember("dev@example.com", platform.DeveloperRole)
	dev := s.user(platform.UserRole{Login: "dev", Role: platform.DeveloperRole, Member: "dev@example.com"})
	if page := dev.get("/"); strings.Contains(page, "<svg") || strings.Contains(page, "a second") {
		t.Error(page)
	}
}

// Curves of 30 days are the most that a page has.
func TestAPageWithFullCurvesIsSmallAndQuick(t *testing.T) {
	var points []string
	for i := range 720 {
		points = append(points, fmt.Sprintf(`{"start":%d,"ready":%d,"unacknowledged":1234,"parked":%d,"published":1234567,"removed":%d,"dropped":12}`, noon.Truncate(time.Hour).Unix()-int64(i)*3600, 12345+i, i, 1234567-i))
	}
	s, c, api := called(t, answers(map[string]string{"platform/queues/stats": `{"step_seconds":3600,"points":[` + strings.Join(points, ",") + `]}`}))
	b := s.operator()
	for at := noon.Add(-720 * time.Hour); !at.After(noon); at = at.Add(time.Hour) {
		c.set(at)
		s.item(t, b, "item/1", http.StatusOK)
	}
	b = s.operator()
	for _, path := range []string{"/?past=month", api + "&past=month", "/queues/shop-key?past=month"} {
		quickest, size := time.Hour, 0
		for range 5 {
			began := time.Now()
			page := b.get(path)
			quickest, size = min(quickest, time.Since(began)), len(page)
			if rows := strings.Count(page, `<th scope="row">`); rows < 720 || len(page) > 150<<10 {
				t.Fatalf("%s has %d rows and %d bytes", path, rows, len(page))
			}
		}
		t.Logf("%s: %d bytes in %v", path, size, quickest)
		if quickest > patience.Of(250*time.Millisecond) { // 10 ms, and under the race detector many times that
			t.Errorf("%s took %v", path, quickest)
		}
	}
}
