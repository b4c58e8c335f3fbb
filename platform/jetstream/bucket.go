package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucketStream returns the name of the stream of the records. It is a bucket of
// JetStream, except that it keeps older values of a key until they are erased, and
// permits erasing.
func bucketStream(name string) string { return "KV_" + name + "-records" }

// bucketSubject returns the beginning of the subjects of the records.
func bucketSubject(name string) string { return "$KV." + name + "-records." }

// mostVersions of a record are never reached. But a bucket needs a bound, and with a
// bound the server makes files of 4 MiB only: each erasure writes one anew.
const mostVersions = 1 << 20

// bucketConfig returns the config of the bucket, whose first record gets a number that
// is not below first.
func bucketConfig(name string, replicas int, first uint64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: bucketStream(name), Subjects: []string{bucketSubject(name) + ">"},
		Storage: jetstream.FileStorage, Replicas: replicas, FirstSeq: first,
		MaxMsgsPerSubject: mostVersions, MaxMsgs: -1, MaxBytes: -1, Discard: jetstream.DiscardNew,
		AllowRollup: true, AllowDirect: true,
		AllowMsgTTL: true, SubjectDeleteMarkerTTL: time.Second,
	}
}

// errNoErasing is returned for a bucket that an earlier version made, in which nothing
// can be erased.
var errNoErasing = errors.New("jetstream: the bucket of records does not permit erasing what was deleted")

// makeBucket makes the bucket, and reports whether it permits erasing. An existing
// bucket stays as it is.
func makeBucket(ctx context.Context, js jetstream.JetStream, c *Config, first uint64) (erases bool, err error) {
	stream, err := js.Stream(ctx, bucketStream(c.Name))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, bucketConfig(c.Name, c.Replicas, first))
	}
	if err != nil {
		return false, fmt.Errorf("jetstream: stream %s: %w", bucketStream(c.Name), err)
	}
	return !stream.CachedInfo().Config.DenyDelete, nil
}
