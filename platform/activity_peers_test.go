package platform_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// A party is an engine with peers, which the test plays.
type party struct {
	*memory.Queues
	mu    sync.Mutex // guards what follows
	hears map[string]func([]byte)
	told  map[string][]byte
	lost  bool // what is told
}

func (p *party) Tell(subject string, text []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost {
		return errors.New("too large")
	}
	p.told[subject] = append(p.told[subject], text...)
	return nil
}

func (p *party) Hear(subject string, f func([]byte)) (stop func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hears[subject] = f
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.hears, subject)
	}, nil
}

// say tells what a peer says.
func (p *party) say(subject, text string) {
	p.mu.Lock()
	f := p.hears[subject]
	p.mu.Unlock()
	f([]byte(text))
}

func (p *party) lose(lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = lost
}

// takeTold returns the lines that were told about a subject since the last time.
func (p *party) takeTold(subject string) (lines int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := p.told[subject]
	delete(p.told, subject)
	return bytes.Count(told, []byte("\n")), string(told)
}

func TestAPeerIsToldWhatHappensWhileItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &party{memory.New(memory.Config{}), sync.Mutex{}, map[string]func([]byte){}, map[string][]byte{}, false}
		p, err := platform.New(platform.Config{Store: twoKeys(), Queues: engine})
		if err != nil {
			t.Fatal(err)
		}
		happens := func() { // two refused calls, one of a key of the domain
			for _, key := range []string{testKey, "nobody"} {
				p.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/platform/notify/status?client_id="+key, nil))
			}
			time.Sleep(time.Second)
		}
		happens()
		if len(engine.told) > 0 {
			t.Errorf("told without being asked: %q", engine.told)
		}
		const request = `{"By":"another","ID":"%","Owner":"k","Privileged":true,"Filter":{"Domain":"default"},"Rate":1000}`
		ask := func(id string) { engine.say("watch", strings.Replace(request, "%", id, 1)) }
		for range 8 {
			ask("here")
			happens()
			if n, _ := engine.takeTold("here"); n != 1 {
				t.Errorf("%d lines while it asks", n)
			}
		}
		engine.lose(true)
		ask("here")
		happens()
		engine.lose(false)
		ask("here")
		happens()
		if n, text := engine.takeTold("here"); n != 2 || !strings.Contains(text, `"missed":1`) {
			t.Errorf("after a line was lost, %q is told", text)
		}
		time.Sleep(10 * time.Second)
		happens()
		if n, _ := engine.takeTold("here"); n != 0 {
			t.Errorf("%d lines after it has gone", n)
		}
		engine.say("watch", "no JSON")
		ask("last")
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if len(engine.hears) > 0 {
			t.Errorf("it still hears %v", engine.hears)
		}
	})
}
