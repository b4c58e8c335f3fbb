package platform

import (
	"testing"
	"testing/synctest"
)

// A peer that has answered fetches again at once, so a goroutine that waits for the end
// of its fetches would wait for ever.
func TestNobodyWaitsForAPeerThatHasAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &channel{consumers: map[string]*source{"": nil}}
		c.changed.L = &c.mu
		c.life = life{doubted: true, fetches: 1, ping: 1}
		over := false
		go func() { c.doubt(""); over = true }()
		synctest.Wait()
		if over {
			t.Error("the fetch of a doubtful peer was not waited for")
		}
		c.noteAlive(func() { c.life.ponged = 1 })
		synctest.Wait()
		if !over {
			t.Error("a peer that has answered is waited for")
			c.mu.Lock()
			c.life.fetches = 0
			c.changed.Broadcast()
			c.mu.Unlock()
		}
	})
}
