package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/shopex/prism-go"
)

// An Activity is something that has happened at the platform. What is zero is not known, or
// has no meaning for its Event. Its JSON is what the platform sends.
type Activity struct {
	// Event is call, connect, close (of a connection), publish, deliver, ack, fail, park,
	// unpark, discard, read (by a call) or push. The first one is begin: what happens from then on is told. And missed
	// stands for Missed others, that were too many to be told. Later platforms may have
	// further events.
	Event    string    `json:"event"`
	Time     time.Time `json:"time"`
	ClientID string    `json:"client_id,omitempty"` // the key that did it, or that it was done for
	App      string    `json:"app,omitempty"`
	Failed   bool      `json:"failed,omitempty"` // it was refused, or did not succeed
	Code     string    `json:"code,omitempty"`   // of the refusal
	Reason   string    `json:"reason,omitempty"`

	RemoteAddr string  `json:"remote_addr,omitempty"` // of the peer; of a push, the host
	RequestID  string  `json:"request_id,omitempty"`
	Conn       uint64  `json:"conn,omitempty"` // the number of the connection
	ConsumerID string  `json:"consumer_id,omitempty"`
	UserAgent  string  `json:"user_agent,omitempty"`
	Method     string  `json:"method,omitempty"`
	Path       string  `json:"path,omitempty"`
	API        string  `json:"api,omitempty"`     // of a call to a service, PREFIX/ID
	Gateway    bool    `json:"gateway,omitempty"` // a call to a service
	Kept       bool    `json:"kept,omitempty"`    // Client.Call has both of its sides, for a while
	Status     int     `json:"status,omitempty"`  // of the answer; of a close, its code
	TookMS     float64 `json:"took_ms,omitempty"`

	RoutingKey string `json:"routing_key,omitempty"`
	Topic      string `json:"topic,omitempty"`
	ID         string `json:"id,omitempty"`        // of the message
	Publisher  string `json:"publisher,omitempty"` // of a delivery, the client_id
	Bytes      int    `json:"bytes,omitempty"`     // of the body
	Queues     int    `json:"queues,omitempty"`    // to how many a publish went
	Tag        uint64 `json:"tag,omitempty"`
	Attempt    int    `json:"attempt,omitempty"`
	Stray      bool   `json:"stray,omitempty"` // an ack of nothing, which is ignored

	Missed int64 `json:"missed,omitempty"`
}

// A TailFilter says which activities are meant: those that agree with each field that is
// not zero.
type TailFilter struct {
	Key        string // by this key, or for it
	RoutingKey string // a pattern, as of a binding
	API        string // of calls: PREFIX/ID, PREFIX for a whole service, or a path such as platform/notify
	Failed     bool   // refused, or not successful
	// Rate is how many a second are told at most, up to 10,000; 0 is 1,000. Of more,
	// there is a sample, and a count of the rest.
	Rate int
}

func (f *TailFilter) params() prism.Params {
	params := prism.Params{}
	setText(params, "of", f.Key)
	setText(params, "routing_key", f.RoutingKey)
	setText(params, "api", f.API)
	if f.Failed {
		params["failed"] = 1
	}
	if f.Rate != 0 {
		params["rate"] = f.Rate
	}
	return params
}

// silentFor is how long a platform may say nothing that shows each 15 seconds that it is
// there.
const silentFor = 45 * time.Second

// mostLine bounds a line.
const mostLine = 1 << 20

// ErrTailEnded is the error of [Client.Tail] when the platform has ended the answer, as it
// does when it shuts down, and when the key may see no more what it saw.
var ErrTailEnded = errors.New("admin: the platform has ended the tail")

// Tail returns what happens at the platform, as it happens. A key sees what is its own,
// an admin key all of its domain, and an admin key of the domain default all, in every
// process of a cluster.
//
// The sequence ends with an error, which matches context.Cause(ctx) if ctx has ended, is a
// [*prism.Error] if the platform has refused the call, and else tells that the connection was lost;
// nothing is repeated. Ranging again begins anew, without what happened in between. A
// caller that is slow delays nobody, and is told how much it has missed.
func (c *Client) Tail(ctx context.Context, f TailFilter) iter.Seq2[Activity, error] {
	return func(yield func(Activity, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		resp, err := c.calls.Stream(ctx, prism.Call{Path: "platform/activity/tail", Params: f.params()})
		if err != nil {
			yield(Activity{}, withSentinel(err))
			return
		}
		defer resp.Body.Close()
		silent := time.AfterFunc(silentFor, func() {
			cancel(fmt.Errorf("admin: the platform has said nothing for %v: the connection is lost", silentFor))
		})
		defer silent.Stop()
		err = eachLine(resp.Body, func(line []byte) (bool, error) {
			silent.Reset(silentFor)
			var a Activity
			if len(line) == 0 {
				return true, nil
			}
			if err := json.Unmarshal(line, &a); err != nil {
				return false, fmt.Errorf("admin: the platform has sent a line that is no activity: %w", err)
			}
			return yield(a, nil), nil
		})
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
		if err != nil {
			yield(Activity{}, err)
		}
	}
}

// eachLine calls do for each line until it returns false or an error, or there is no
// further line. The error is nil only if do returned false.
func eachLine(from io.Reader, do func(line []byte) (bool, error)) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		if goOn, err := do(lines.Bytes()); err != nil || !goOn {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("admin: the connection was lost: %w", err)
	}
	return ErrTailEnded
}
