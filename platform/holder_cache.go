package platform

import "sync"

// A holderCache remembers decoded keys and apps, so that a call decodes only what has
// changed since an earlier one: an app may have a thousand bindings. Each call reads the
// records, so nothing that the cache has is older than they are.
//
// It has two generations. When the younger one is full, it becomes the older one, so that
// what is used stays.
type holderCache struct {
	mu           sync.Mutex
	young, older map[string]*holder
	size         int // bytes of the records in young
}

// holderBytes bounds the records of one generation.
const holderBytes = 16 << 20

func (c *holderCache) get(id string) *holder {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.young[id]; h != nil {
		return h
	}
	h := c.older[id]
	if h != nil {
		c.add(h)
	}
	return h
}

func (c *holderCache) put(h *holder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(h)
}

// add adds h to the younger generation. c.mu is held.
func (c *holderCache) add(h *holder) {
	if h.size > holderBytes/16 {
		return
	}
	if c.young == nil || c.size+h.size > holderBytes {
		c.young, c.older, c.size = make(map[string]*holder), c.young, 0
	}
	if before := c.young[h.key.ID]; before != nil {
		c.size -= before.size
	}
	c.young[h.key.ID] = h
	c.size += h.size
}
