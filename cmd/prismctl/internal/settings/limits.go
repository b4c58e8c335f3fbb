package settings

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// Limits bound what one caller and one queue can use. They are settings for
// files, so help does not list them. What platform derives from others is 0.
type Limits struct {
	LimitsConnections           int `config:"limits.connections" hidden:"" default:"0" help:"connections of all peers; 0 is 16,384, or 1 for each 256 KiB of a memory limit if those are fewer"`
	LimitsConnectionsPerAddress int `config:"limits.connections-per-address" hidden:"" default:"1024" help:"connections of one address, other than this machine and trusted-proxies"`

	LimitsConnectionsPerKey   int   `config:"limits.connections-per-key" hidden:"" default:"100" help:"live channel connections of a key"`
	LimitsAppsPerDomain       int   `config:"limits.apps-per-domain" hidden:"" default:"1000" help:"apps that admin keys can make in one domain"`
	LimitsKeysPerApp          int   `config:"limits.keys-per-app" hidden:"" default:"500" help:"keys that admin keys can make of one app"`
	LimitsChangesPerKey       int   `config:"limits.changes-per-key" hidden:"" default:"50000" help:"calls of an admin key that change something, within both windows of signatures; with refuse-replays all calls of a key"`
	LimitsTopicsPerConnection int   `config:"limits.topics-per-connection" hidden:"" default:"64" help:"queues consumed on one connection"`
	LimitsWindow              int   `config:"limits.window" hidden:"" default:"256" help:"unacknowledged deliveries of a connection"`
	LimitsSmallWindow         int   `config:"limits.small-window" hidden:"" default:"0" help:"those of a peer that has not sent a ping; 0 is 16, or window if that is less"`
	LimitsWindowBytes         int   `config:"limits.window-bytes" hidden:"" default:"8388608" help:"bytes of the unacknowledged deliveries of a connection"`
	LimitsMaxBody             int   `config:"limits.max-body" hidden:"" default:"1048576" help:"bytes of the body of one message"`
	LimitsRoutingKey          int   `config:"limits.routing-key" hidden:"" default:"256" help:"bytes of a routing key"`
	LimitsTopic               int   `config:"limits.topic" hidden:"" default:"256" help:"bytes of the name of a topic"`
	LimitsContentType         int   `config:"limits.content-type" hidden:"" default:"256" help:"bytes of a content type"`
	LimitsRequestBody         int64 `config:"limits.request-body" hidden:"" default:"0" help:"bytes of the body of a request; 0 is three times max-body and 1 MiB more"`
	LimitsFormsInFlight       int64 `config:"limits.forms-in-flight" hidden:"" default:"0" help:"bytes of all forms that are being served; 0 is 256 MiB, or request-body if that is more"`
	LimitsParameters          int   `config:"limits.parameters" hidden:"" default:"1000" help:"parameters of a call"`
	LimitsRead                int   `config:"limits.read" hidden:"" default:"1000" help:"messages of one notify/read"`
	LimitsReadBytes           int   `config:"limits.read-bytes" hidden:"" default:"4194304" help:"bytes after which a notify/read takes no further message"`

	LimitsMaxMessages    int   `config:"limits.max-messages" hidden:"" default:"100000" help:"messages of one queue; -1 is any number"`
	LimitsMaxBytes       int64 `config:"limits.max-bytes" hidden:"" default:"268435456" help:"bytes of one queue; -1 is any number"`
	LimitsMaxKeyMessages int   `config:"limits.max-key-messages" hidden:"" default:"1000000" help:"messages of all queues of a key; -1 is any number"`
	LimitsMaxKeyBytes    int64 `config:"limits.max-key-bytes" hidden:"" default:"1073741824" help:"bytes of all queues of a key; -1 is any number"`
	LimitsMaxAllMessages int   `config:"limits.max-all-messages" hidden:"" default:"0" help:"messages of the queues of all keys; 0 is as many as a quarter of the memory has room for, -1 is any number"`
	LimitsMaxAllBytes    int64 `config:"limits.max-all-bytes" hidden:"" default:"0" help:"bytes of the queues of all keys; 0 is a quarter of the memory where messages are in memory, and any number elsewhere, as -1 is"`

	LimitsMaxParked      int   `config:"limits.max-parked" hidden:"" default:"10000" help:"parked messages of one queue; -1 is any number"`
	LimitsMaxParkedBytes int64 `config:"limits.max-parked-bytes" hidden:"" default:"67108864" help:"bytes of the parked messages of one queue; -1 is any number"`

	LimitsMaxTopics   int `config:"limits.max-topics" hidden:"" default:"1000" help:"topics of a key; -1 is any number"`
	LimitsMaxBindings int `config:"limits.max-bindings" hidden:"" default:"10000" help:"bindings of a key; -1 is any number"`
	LimitsMaxFanOut   int `config:"limits.max-fan-out" hidden:"" default:"10000" help:"queues of a domain that may be bound to one pattern without * and #, and to patterns with them; -1 is any number"`

	RetentionMaxAge time.Duration `config:"retention.max-age" hidden:"" default:"0s" help:"messages older than this are removed, unless a consumer holds them; 0 keeps them"`
}

// Platform returns those that a platform keeps.
func (f *Limits) Platform() platform.Limits {
	return platform.Limits{
		ConnectionsPerKey:   f.LimitsConnectionsPerKey,
		AppsPerDomain:       f.LimitsAppsPerDomain,
		KeysPerApp:          f.LimitsKeysPerApp,
		ChangesPerKey:       f.LimitsChangesPerKey,
		TopicsPerConnection: f.LimitsTopicsPerConnection,
		Window:              f.LimitsWindow,
		SmallWindow:         f.LimitsSmallWindow,
		WindowBytes:         f.LimitsWindowBytes,
		MaxBody:             f.LimitsMaxBody,
		RoutingKey:          f.LimitsRoutingKey,
		Topic:               f.LimitsTopic,
		ContentType:         f.LimitsContentType,
		RequestBody:         f.LimitsRequestBody,
		FormsInFlight:       f.LimitsFormsInFlight,
		Parameters:          f.LimitsParameters,
		Read:                f.LimitsRead,
		ReadBytes:           f.LimitsReadBytes,
	}
}

// check returns what is wrong with limits that have these Sources.
func (f *Limits) check(from Sources) error {
	for _, queue := range []struct {
		name  string
		value int64
	}{
		{"limits.max-messages", int64(f.LimitsMaxMessages)},
		{"limits.max-bytes", f.LimitsMaxBytes},
		{"limits.max-key-messages", int64(f.LimitsMaxKeyMessages)},
		{"limits.max-key-bytes", f.LimitsMaxKeyBytes},
		{"limits.max-parked", int64(f.LimitsMaxParked)},
		{"limits.max-parked-bytes", f.LimitsMaxParkedBytes},
		{"limits.max-topics", int64(f.LimitsMaxTopics)},
		{"limits.max-bindings", int64(f.LimitsMaxBindings)},
		{"limits.max-fan-out", int64(f.LimitsMaxFanOut)},
	} {
		if queue.value == 0 || queue.value < -1 {
			return fmt.Errorf("%s is %d; it must be 1 or more, or -1 for any number", from[queue.name], queue.value)
		}
	}
	if f.LimitsConnections < 0 || f.LimitsConnectionsPerAddress < 0 {
		return fmt.Errorf("%s and %s must not be negative", from["limits.connections"], from["limits.connections-per-address"])
	}
	if f.LimitsMaxAllMessages < -1 || f.LimitsMaxAllBytes < -1 {
		return fmt.Errorf("%s and %s must be 0 or more, or -1 for any number", from["limits.max-all-messages"], from["limits.max-all-bytes"])
	}
	if f.RetentionMaxAge < 0 {
		return fmt.Errorf("%s must not be negative; 0 keeps messages", from["retention.max-age"])
	}
	return cmp.Or(f.zero(from), f.tried(from))
}

// zero refuses a limit of 0, which would be the default of platform, unless that
// is the default here too.
func (f *Limits) zero(from Sources) error {
	values := reflect.ValueOf(*f)
	for _, field := range reflect.VisibleFields(values.Type()) {
		name, preset := field.Tag.Get("config"), field.Tag.Get("default")
		if strings.HasPrefix(name, "limits.") && preset != "0" && values.FieldByIndex(field.Index).IsZero() {
			return fmt.Errorf("%s is 0; it must be 1 or more, and %s without it", from[name], preset)
		}
	}
	return nil
}

// tried makes a platform with the limits, as only that knows what it takes, and
// says in its error where the limit is from.
func (f *Limits) tried(from Sources) error {
	_, err := platform.New(platform.Config{Store: new(memory.Store), Queues: memory.New(memory.Config{}), Limits: f.Platform()})
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), "platform: ")
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Limits]()) {
		name := strings.Replace(field.Name, "Limits", "Limits.", 1)
		if rest, ok := strings.CutPrefix(text, name+" "); ok {
			text = from[field.Tag.Get("config")] + " " + rest
		}
	}
	return errors.New(text)
}
