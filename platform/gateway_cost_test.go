package platform_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
)

// costEnv is a platform whose service has apis APIs and whose app has that many bindings,
// and a call of one of them.
func costEnv(t testing.TB, apis, bindings int) (*gatewayEnv, *http.Request) {
	e := newGatewayEnv(t, platform.Config{Gateway: platform.Gateway{KeepCalls: -1}})
	file := &apijson.Service{URL: "http://127.0.0.1:1/", Prefix: "many", Mode: apijson.Path, ParamName: "method"}
	for i := range apis {
		id := fmt.Sprintf("api%d", i)
		file.APIs = append(file.APIs, apijson.API{ID: id, Path: id + "/{tid}", Methods: []string{"GET"}})
	}
	e.save("many", file)
	app, err := e.registry.App(t.Context(), "shop")
	must(t, err)
	for i := range bindings - 1 {
		app.APIs = append(app.APIs, platform.APIBinding{Service: "other", Path: fmt.Sprintf("api%d", i)})
	}
	app.APIs = append(app.APIs, platform.APIBinding{Service: "many", Path: "*", Limit: apijson.Limit{Count: 1 << 30, Per: time.Hour}})
	must(t, e.registry.SaveApp(t.Context(), app))
	return e, e.requestAs(first(), "GET", fmt.Sprintf("/api/many/api%d/7", apis/2), nil)
}

// cost returns how many allocations a call makes, and of how many bytes: the least of
// several rounds, as pools and collections add some.
func cost(t *testing.T, apis, bindings int) (allocations, bytes float64) {
	const calls = 60
	e, req := costEnv(t, apis, bindings)
	round := func() (allocations, bytes float64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range calls {
			w := newRecorder()
			if e.p.ServeHTTP(w, req.Clone(t.Context())); w.Code != 200 {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / calls, float64(after.TotalAlloc-before.TotalAlloc) / calls
	}
	round() // so that what is made once is there
	allocations, bytes = round()
	for range 9 {
		n, size := round()
		allocations, bytes = min(allocations, n), min(bytes, size)
	}
	return allocations, bytes
}

func TestACallCostsTheSameHoweverManyAPIsThereAre(t *testing.T) {
	few, fewBytes := cost(t, 10, 1)
	many, manyBytes := cost(t, 10_000, 1)
	t.Logf("%.1f allocations of %.0f bytes with 10 APIs, %.1f of %.0f with 10,000", few, fewBytes, many, manyBytes)
	// The race detector empties pools at random, of buffers with many KiB: what grows with
	// the APIs would have a byte for each of them at least.
	if many > few*1.05 || manyBytes > fewBytes+10_000 {
		t.Error("a call costs more with more APIs")
	}
}

func TestACallDecodesNoBindingsThatItKnows(t *testing.T) {
	few, _ := cost(t, 10, 1)
	many, _ := cost(t, 10, 1000)
	t.Logf("%.1f allocations with 1 binding, %.1f with 1,000", few, many)
	if many > few*1.05+2 {
		t.Error("a call costs more with more bindings")
	}
}

func BenchmarkGateway(b *testing.B) {
	for _, apis := range []int{10, 10_000} {
		b.Run(fmt.Sprint(apis), func(b *testing.B) {
			e, req := costEnv(b, apis, 1)
			b.ReportAllocs()
			for b.Loop() {
				e.p.ServeHTTP(newRecorder(), req.Clone(b.Context()))
			}
		})
	}
}
