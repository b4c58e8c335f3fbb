package service

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// fillUp brings a queue to n messages.
func fillUp(t *testing.T, q platform.Queues, topic string, n int) {
	t.Helper()
	if _, err := q.Read(t.Context(), "shop", topic, 100); err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := q.Write(t.Context(), "shop", topic, &platform.Message{Body: []byte("1234")}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAQueueThatFillsIsLoggedOnceForEachMark(t *testing.T) {
	queues := memory.New(memory.Config{MaxMessages: 100})
	var log bytes.Buffer
	f := &filling{queues: queues, log: slog.New(slog.NewTextHandler(&log, nil))}
	for i, step := range []struct {
		messages int
		tells    string
	}{
		{49, ""},
		{50, "percent=50"},
		{60, ""},
		{85, "percent=85"},
		{75, ""}, {85, ""}, // it only hovers
		{60, ""}, {85, "percent=85"},
		{96, "percent=96"},
		{0, ""},
		{97, "percent=97"}, // once, though it passes three
	} {
		log.Reset()
		fillUp(t, queues, "", step.messages)
		for range 2 {
			f.look(t.Context())
		}
		text := log.String()
		if strings.Count(text, "\n") != len(strings.Fields(step.tells)) || !strings.Contains(text, step.tells) {
			t.Errorf("step %d, with %d messages, told %q, want %q", i, step.messages, text, step.tells)
		}
		if text != "" && !(strings.Contains(text, "nobody consumes it") && strings.Contains(text, "the default queue") && strings.Contains(text, "key=shop")) {
			t.Errorf("step %d told %q", i, text)
		}
	}
	if len(f.told) != 1 {
		t.Errorf("%d queues are remembered", len(f.told))
	}
}

func TestAQueueFillsByItsBytesToo(t *testing.T) {
	queues := memory.New(memory.Config{MaxBytes: 100})
	var log bytes.Buffer
	f := &filling{queues: queues, log: slog.New(slog.NewTextHandler(&log, nil))}
	c, err := queues.Consume(t.Context(), "shop", "", "a consumer")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fillUp(t, queues, "", 20)
	f.look(t.Context())
	if text := log.String(); !strings.Contains(text, "percent=80") || !strings.Contains(text, "consumers=1") || strings.Contains(text, "nobody") {
		t.Errorf("told %q", text)
	}
}

func TestAPlatformLooksAtItsQueuesFromTimeToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := memory.New(memory.Config{MaxMessages: 100})
		var log bytes.Buffer
		stop := (&filling{queues: queues, log: slog.New(slog.NewTextHandler(&log, nil))}).start()
		fillUp(t, queues, "", 60)
		time.Sleep(10 * fillingInterval)
		if err := stop(); err != nil || strings.Count(log.String(), "percent=60") != 1 {
			t.Errorf("told %q, %v", log.String(), err)
		}
	})
}
