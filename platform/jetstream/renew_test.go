package jetstream

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// An older version would go on with a part of the records.
func TestAnOlderVersionDoesNotOpenADirectoryThatIsBeingRenewed(t *testing.T) {
	given := before(t)
	c, err := given.withDefaults()
	must(t, err)
	c.held, err = claimDir(&c)
	must(t, err)
	must(t, c.saveRecords(t.Context()))
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.restoreRecords(cut); !errors.Is(err, context.Canceled) {
		t.Fatalf("the renewal was not cut short: %v", err)
	}
	versionIs(t, given.Dir, "6\n")
	must(t, c.held.Close())
	e := open(t, given)
	isAsBefore(t, e.Store())
	versionIs(t, given.Dir, "5\n")
	must(t, e.Close())
	must(t, writeVersion(given.Dir, renewing)) // as if killed just before the end
	open(t, given)
	versionIs(t, given.Dir, "5\n")
}

func versionIs(t *testing.T, dir, want string) {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(dir, "version")); err != nil || string(text) != want {
		t.Errorf("the version is %q, want %q, %v", text, want, err)
	}
}

// The other process was killed after this one had looked for its file.
func TestABucketThatAnotherProcessRenewsIsNotUsed(t *testing.T) {
	given := before(t)
	c, err := given.withDefaults()
	must(t, err)
	must(t, errors.Join(c.saveRecords(t.Context()), os.RemoveAll(bucketDir(&c))))
	if e, err := openEngine(t.Context(), c); !errors.Is(err, errNoErasing) {
		t.Errorf("half of the records are used: %v", err)
		_ = e.Close()
	}
	isAsBefore(t, open(t, given).Store())
}

// serve offers backups at a socket in the directory, which stays when it is killed.
func TestASocketThatAKilledProcessHasLeftDoesNotStopARenewal(t *testing.T) {
	given := before(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(given.Dir, "s"), Net: "unix"})
	if err != nil {
		t.Skip("there are no such sockets here:", err)
	}
	l.SetUnlinkOnClose(false)
	must(t, l.Close())
	isAsBefore(t, open(t, given).Store())
}
