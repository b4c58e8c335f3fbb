package listen

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/shopex/prism-go/internal/guard"
	"github.com/shopex/prism-go/internal/push"
	"github.com/shopex/prism-go/notify"
)

// A forwarder posts messages to one address.
type forwarder struct {
	client *push.Client
	to     *url.URL
	format Format
	header http.Header
}

// Forwarding says where messages are posted, and how.
type Forwarding struct {
	URL        string
	Format     Format
	Header     http.Header   // more headers, which count before those of the format
	Timeout    time.Duration // of one request
	Workers    int           // so many connections are kept
	SkipVerify bool          // takes any certificate
}

// Forward returns a receiver to which messages are posted. The errors of its messages do
// not show the address, of which the path may be secret.
func Forward(f Forwarding) (Receiver, error) {
	to, err := guard.ParseAddress(f.URL)
	if err != nil {
		return nil, fmt.Errorf("--forward-to: %w", err)
	}
	networks := guard.Networks{Private: true, Loopback: true} // the user names the receiver, on the user's machine
	if err := networks.CheckHost(to); err != nil {
		return nil, fmt.Errorf("--forward-to: %w", err)
	}
	client := push.New(push.Config{Networks: networks, Timeout: f.Timeout, IdleConns: f.Workers, SkipVerify: f.SkipVerify})
	return &forwarder{client: client, to: to, format: f.Format, header: f.Header}, nil
}

func (f *forwarder) check(context.Context) error { return nil }

func (f *forwarder) deliver(ctx context.Context, d *notify.Delivery, a *Attempt) error {
	header, body := f.format.request(d, a.Attempt)
	maps.Copy(header, f.header)
	status, err := f.client.Post(ctx, f.to, push.Message{ID: field(d.ID), Body: body, Header: header})
	a.Status = status
	return err
}

func (f *forwarder) close() { f.client.Close() }
