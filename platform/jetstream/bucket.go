package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucketStream is the stream of the records: a bucket of JetStream, except that
// older values of a key are kept until they are erased, and may be.
func bucketStream(name string) string { return "KV_" + name + "-records" }

// bucketSubject begins the subjects of the records.
func bucketSubject(name string) string { return "$KV." + name + "-records." }

// mostVersions of a record are never reached, but a bucket has a bound; with one the
// server also makes files of 4 MiB, which are written anew for each erasure.
const mostVersions = 1 << 20

// bucketConfig is that of the bucket, whose first record gets a number that is not
// below first.
func bucketConfig(name string, replicas int, first uint64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: bucketStream(name), Subjects: []string{bucketSubject(name) + ">"},
		Storage: jetstream.FileStorage, Replicas: replicas, FirstSeq: first,
		MaxMsgsPerSubject: mostVersions, MaxMsgs: -1, MaxBytes: -1, Discard: jetstream.DiscardNew,
		AllowRollup: true, AllowDirect: true,
		AllowMsgTTL: true, SubjectDeleteMarkerTTL: time.Second,
	}
}

// errNoErasing is of a bucket of an earlier version, which forbids to erase anything.
var errNoErasing = errors.New("jetstream: the bucket of records forbids to erase what was deleted")

// makeBucket makes the bucket. One that is there stays as it is, and may not permit
// to erase.
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
