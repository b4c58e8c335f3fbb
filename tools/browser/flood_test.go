package browser

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/shopex/prism-go/notify"
)

// While more happens than anybody can read, the live page shows a part of it, says how much
// more there was, and can be used.
func aFloodLeavesTheLivePageUsable(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	p := meet(t, browser, "en")
	p.enter(srv)
	p.open(p.console(srv) + "live?routing_key=flood")
	p.await(`document.querySelector("[data-state]").textContent === "Connected"`)
	ask[bool](p, `(() => {
		const seen = window.seen = {rows: 0, last: 0, most: 0, began: performance.now()};
		const body = document.querySelector(".live tbody");
		new MutationObserver(changes => {
			for (const change of changes) for (const row of change.addedNodes) if (row.nodeName === "TR") seen.rows++;
			seen.most = Math.max(seen.most, body.rows.length);
		}).observe(body, {childList: true});
		return true;
	})()`)

	publisher, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	published, began := 0, time.Now()
	for ; time.Since(began) < 1500*time.Millisecond; published++ {
		if err := publisher.PublishAsync(t.Context(), notify.Message{Key: "flood", Body: []byte("x")}, nil); err != nil {
			t.Fatal(err)
		}
	}
	asked := time.Now()
	p.do(chromedp.Click(chromedp.CSS("[data-pause]"))) // what came before is still on its way
	took := time.Since(asked)
	if err := publisher.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	rate := int(float64(published) / time.Since(began).Seconds())
	if err := publisher.Close(t.Context()); err != nil {
		t.Error(err)
	}
	p.do(chromedp.Click(chromedp.CSS("[data-pause]")))
	p.await(`/[0-9]+ more/.test(document.querySelector(".live tbody").innerText)`)
	seconds := ask[float64](p, "(performance.now() - seen.began) / 1000")
	rows, most := ask[int](p, "seen.rows"), ask[int](p, "seen.most")
	t.Logf("%d messages, %d a second; %d rows in %.1f s, at most %d; the page answers in %v", published, rate, rows, seconds, most, took)
	if limit := int(25 * (seconds + 1)); rows == 0 || rows > limit || most > 500 { // 24 a second, and how many more; a second's at once
		t.Errorf("%d rows came in %.1f s, and there were %d at a time", rows, seconds, most)
	}
	if published < 5*rows {
		t.Errorf("%d messages for %d rows are no flood", published, rows)
	}
	if took > 5*time.Second {
		t.Errorf("the page took %v to pause", took)
	}
}
