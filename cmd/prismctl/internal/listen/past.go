package listen

import (
	"sync"

	"github.com/shopex/prism-go/notify"
)

// A past is what was tried of a message.
type past struct {
	tries   int // since listening began, or since it was parked
	attempt int // that the first of them was, by the platform's count
}

// pasts remember the messages that have failed and that nobody has taken since, as one
// comes again over the next connection, too. They are bounded: a message that is forgotten
// begins anew.
type pasts struct {
	mu sync.Mutex // guards of
	of map[string]past
}

const mostPasts = 10_000

func (p *pasts) get(d *notify.Delivery) past {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found, ok := p.of[d.ID]; ok {
		return found
	}
	return past{attempt: max(d.Attempt, 1)}
}

func (p *pasts) set(id string, of past) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= mostPasts {
		p.of = make(map[string]past)
	}
	if id != "" { // else it cannot be recognized
		p.of[id] = of
	}
}

func (p *pasts) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, id)
}
