package platform_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// An engine with a disk, and with a fault if it has one.
type condition struct {
	platform.Queues
	err error
}

func (c *condition) Ready(context.Context) error { return c.err }
func (c *condition) Disk() (platform.Disk, bool) {
	return platform.Disk{Free: 5, Total: 10, Reserve: 1}, true
}

func TestTheOperatorSeesHowThePlatformIs(t *testing.T) {
	var passed atomic.Int64
	began := time.Unix(1_700_000_000, 0)
	engine := &condition{Queues: memory.New(memory.Config{})}
	p := servesCalls(t, platform.Config{
		Queues: engine, Version: "v9", SignWindow: platform.AnyAge,
		Now: func() time.Time { return began.Add(time.Duration(passed.Load())) },
	})
	passed.Store(int64(90 * time.Second))
	const rest = `"version":"v9","started":1700000000,"uptime_seconds":90,"connections":0,"disk":{"free":5,"total":10,"reserve":1}}`
	if got := string(result[json.RawMessage](t, ask(t, p, adminKey, "GET", "platform/status"))); got != `{"ready":true,`+rest {
		t.Error(got)
	}
	engine.err = errors.New("the disk is gone")
	if got := string(result[json.RawMessage](t, ask(t, p, adminKey, "GET", "platform/status"))); got != `{"ready":false,"problem":"the disk is gone",`+rest {
		t.Error(got)
	}
	ask(t, p, alienAdmin, "GET", "platform/status").want(t, 403, "forbidden_admin")
}
