package users

import (
	"cmp"
	"sync"

	"github.com/shopex/prism-go/platform"
)

const defaultIterations = 600_000 // of platform.HashPassword

// An effort makes checks of passwords take the same time, whether there is such a user or
// not.
type effort struct {
	mu         sync.Mutex // guards what is below
	iterations int        // the most that a hash had
	hash       string     // the last one that the Verify of an SQL has got
}

// check reports whether hash is one of password.
func (e *effort) check(s *SQL, hash, password string) (bool, error) {
	if s.Verify != nil {
		e.mu.Lock()
		e.hash = hash
		e.mu.Unlock()
		return s.Verify(hash, password)
	}
	right, err := platform.CheckPassword(hash, password)
	if err != nil {
		return false, err
	}
	iterations, _ := platform.PasswordIterations(hash)
	burn(e.most(s, iterations)-iterations, password)
	return right, nil
}

// spend takes as long as check.
func (e *effort) spend(s *SQL, password string) {
	e.mu.Lock()
	hash := e.hash
	e.mu.Unlock()
	if s.Verify != nil && hash != "" {
		_, _ = s.Verify(hash, password)
		return
	}
	burn(e.most(s, 0), password)
}

// most returns the most iterations so far, with those of one more hash.
func (e *effort) most(s *SQL, iterations int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.iterations = max(e.iterations, iterations, cmp.Or(s.Iterations, defaultIterations))
	return e.iterations
}

func burn(iterations int, password string) {
	if iterations > 0 {
		_, _ = platform.HashPassword(password, iterations)
	}
}
