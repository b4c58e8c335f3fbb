package platform_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/sign"
)

const (
	testKey    = "buwb2lii"
	testSecret = "ucr72ygfutspqeuu6s36"
)

// patience bounds every wait for something that must happen.
var patience = busy.Of(30 * time.Second)

// virtualPatience bounds them where the clock is virtual.
const virtualPatience = time.Hour

// awaited returns what comes through c.
func awaited[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
	}
	return v
}

// env is a platform behind a real HTTP server on loopback.
type env struct {
	t      testing.TB
	p      *platform.Platform
	queues platform.Queues
	store  platform.Store
	url    string // of the server
	addr   string
	client *http.Client
}

func newEnv(t testing.TB, cfg platform.Config) *env {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = storeOf(
			platform.Key{ID: testKey, Secret: testSecret, App: "shop"},
			platform.Key{ID: "otherkey", Secret: "othersecretothersecr", App: "other"})
	}
	if cfg.Queues == nil {
		cfg.Queues = newQueues(memory.Config{})
	}
	p, err := platform.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(p)
	transport := &http.Transport{}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		transport.CloseIdleConnections()
		srv.Close()
	})
	return &env{
		t: t, p: p, queues: cfg.Queues, store: cfg.Store, url: srv.URL, addr: srv.Listener.Addr().String(),
		client: &http.Client{Transport: transport, Timeout: 6 * patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// newQueues returns an engine whose keys begin with a binding to everything, unless cfg
// has others.
func newQueues(cfg memory.Config) *memory.Queues {
	if cfg.Bindings == nil {
		cfg.Bindings = []platform.Binding{{Pattern: "#"}}
	}
	return memory.New(cfg)
}

// reply is an answer with its envelope.
type reply struct {
	status int
	header http.Header
	body   string
	Result json.RawMessage
	ID     *string // of notify/write, as Queues
	Queues *int
	Error  *struct {
		Code, Message string
		Data          map[string]any
	}
	tokens tokenReply
}

// A tokenReply is an answer of /oauth/token, which has no envelope.
type tokenReply struct {
	Access         string            `json:"access_token"`
	Refresh        string            `json:"refresh_token"`
	Session        string            `json:"session_id"`
	Expires        int64             `json:"expires_in"`
	RefreshExpires int64             `json:"refresh_expires"`
	Data           map[string]string `json:"data"`

	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (r reply) code() string {
	if r.tokens.Error != "" || r.Error == nil {
		return r.tokens.Error
	}
	return r.Error.Code
}

// signed returns params with those that authenticate a call now.
func signed(method, path string, header http.Header, query, form url.Values) {
	signedBy(testKey, testSecret, time.Now(), method, path, header, query, form)
}

func signedBy(key, secret string, at time.Time, method, path string, header http.Header, query, form url.Values) {
	into := query
	if form != nil {
		into = form
	}
	into.Set("client_id", key)
	into.Set("sign_method", "md5")
	into.Set("sign_time", strconv.FormatInt(at.Unix(), 10))
	into.Set("sign", sign.Sign(secret, sign.Request{Method: method, Path: path, Header: header, Query: query, Form: form}))
}

// call sends a signed call, with the parameters where they belong.
func (e *env) call(method, api string, params url.Values) reply {
	e.t.Helper()
	req := e.request(method, api, params)
	return e.send(req)
}

func (e *env) request(method, api string, params url.Values) *http.Request {
	e.t.Helper()
	query, form := url.Values{}, url.Values(nil)
	if method == "POST" || method == "PUT" {
		form = url.Values{}
	}
	into := query
	if form != nil {
		into = form
	}
	for k, v := range params {
		into[k] = v
	}
	signed(method, "/api/"+api, nil, query, form)
	req, err := http.NewRequest(method, e.url+"/api/"+api+"?"+query.Encode(), strings.NewReader(form.Encode()))
	if err != nil {
		e.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

func (e *env) send(req *http.Request) reply {
	e.t.Helper()
	resp, err := e.client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	return readReply(e.t, resp)
}

func readReply(t testing.TB, resp *http.Response) reply {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
	json.Unmarshal(body, &r)
	json.Unmarshal(body, &r.tokens)
	return r
}

// want fails unless the answer has the status and the code.
func (r reply) want(t testing.TB, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Fatalf("answered %d %q, want %d %q; body %s", r.status, r.code(), status, code, r.body)
	}
}

func (r reply) wantResult(t testing.TB, want string) {
	t.Helper()
	if r.status != 200 || string(r.Result) != want {
		t.Fatalf("answered %d %s, want result %s", r.status, r.body, want)
	}
}

func (e *env) write(topic, body string) {
	e.t.Helper()
	if err := e.queues.Write(context.Background(), testKey, topic, &platform.Message{Body: []byte(body), ClientID: testKey}); err != nil {
		e.t.Fatal(err)
	}
}

func (e *env) status(topic string) platform.QueueStatus {
	e.t.Helper()
	s, err := e.queues.Status(context.Background(), testKey, topic)
	if err != nil {
		e.t.Fatal(err)
	}
	return s
}

// notifyTarget is the request target of a signed handshake.
func notifyTarget(key, secret, path string) string {
	return namedTarget(key, secret, path, nil)
}

// namedTarget has further parameters.
func namedTarget(key, secret, path string, query url.Values) string {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	signedBy(key, secret, time.Now(), "GET", path, nil, query, nil)
	return path + "?" + query.Encode()
}

// peer is the client's side of a channel.
type peer struct {
	t     testing.TB
	conn  *socket.Conn
	ctx   context.Context // of all reads
	raw   net.Conn
	pong  chan string
	pings *atomic.Int64 // of the platform
}

type rwc struct {
	io.Reader
	net.Conn
}

func (c rwc) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// dial opens a channel.
func (e *env) dial() *peer {
	e.t.Helper()
	raw, err := net.Dial("tcp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	return dialOver(e.t, raw, notifyTarget(testKey, testSecret, "/api/platform/notify"))
}

func dialOver(t testing.TB, raw net.Conn, target string) *peer {
	t.Helper()
	p, resp := tryDial(t, raw, target)
	if p == nil {
		t.Fatalf("handshake refused: %d %s", resp.status, resp.body)
	}
	return p
}

func tryDial(t testing.TB, raw net.Conn, target string) (*peer, reply) {
	t.Helper()
	return tryDialWith(t, raw, target, socket.Options{})
}

// dialMute opens a channel whose peer answers no ping.
func dialMute(t testing.TB, raw net.Conn, target string) *peer {
	t.Helper()
	p, resp := tryDialWith(t, raw, target, socket.Options{OwnPongs: true})
	if p == nil {
		t.Fatalf("handshake refused: %d %s", resp.status, resp.body)
	}
	return p
}

func tryDialWith(t testing.TB, raw net.Conn, target string, o socket.Options) (*peer, reply) {
	t.Helper()
	h := socket.NewHandshake()
	req, err := http.NewRequest("GET", "http://platform.test"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h.Header()
	req.Header.Set("User-Agent", "platform-test")
	if err := req.Write(raw); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(raw)
	resp, err := http.ReadResponse(in, req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		defer raw.Close()
		return nil, readReply(t, resp)
	}
	p := &peer{t: t, raw: raw, pong: make(chan string, 1024), pings: new(atomic.Int64)}
	resp.Body = rwc{in, raw}
	o.OnPong = func(b []byte) { p.pong <- string(b) }
	o.OnPing = func([]byte) { p.pings.Add(1) }
	p.conn, err = h.Finish(resp, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	p.ctx = ctx
	t.Cleanup(func() { cancel(); p.conn.CloseNow() })
	return p, reply{}
}

func (p *peer) send(frame []byte) {
	p.t.Helper()
	if err := p.conn.Write(context.Background(), socket.Binary, frame); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) publish(key, body string) {
	p.t.Helper()
	frame, err := wire.AppendPublish(nil, key, []byte(body), "text/plain")
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(frame)
}

func (p *peer) consume(topic string) {
	p.t.Helper()
	frame, err := wire.AppendConsume(nil, topic)
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(frame)
}

func (p *peer) ack(tag uint64) {
	p.t.Helper()
	p.send(wire.AppendAck(nil, tag))
}

func (p *peer) ping(payload string) {
	p.t.Helper()
	if err := p.conn.Ping(context.Background(), []byte(payload)); err != nil {
		p.t.Fatal(err)
	}
}

// next reads one delivery.
func (p *peer) next() wire.Delivery {
	p.t.Helper()
	_, frame, err := p.conn.Read(p.ctx)
	if err != nil {
		p.t.Fatalf("no delivery: %v", err)
	}
	d, err := wire.DecodeDelivery(frame)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

// barrier returns when the platform has handled all that was sent before. No
// delivery may be on its way.
func (p *peer) barrier() {
	p.t.Helper()
	p.ping("barrier")
	read := make(chan error, 1)
	go func() {
		_, frame, err := p.conn.Read(p.ctx)
		if err == nil {
			err = errors.New("a delivery came: " + string(frame))
		}
		read <- err
	}()
	select {
	case <-p.pong:
	case err := <-read:
		p.t.Fatalf("no pong: %v", err)
	case <-time.After(patience):
		p.t.Fatal("no pong")
	}
	// The Read is pending, so a barrier is the last that a test does with its peer.
	p.conn.CloseNow()
	<-read
}

// closed waits for the platform to close, skipping deliveries.
func (p *peer) closed() *socket.CloseError {
	p.t.Helper()
	for {
		_, _, err := p.conn.Read(p.ctx)
		if err == nil {
			continue
		}
		var closed *socket.CloseError
		if !errors.As(err, &closed) {
			p.t.Fatalf("the connection ended without a close frame: %v", err)
		}
		p.conn.Close(p.ctx, closed.Code, "")
		return closed
	}
}

func (p *peer) close() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.conn.Close(ctx, socket.NormalClosure, ""); err != nil {
		p.t.Fatal(err)
	}
}

// rawFrame writes a masked client frame by hand.
func rawFrame(first byte, lengthBits int, payload []byte) []byte {
	frame := []byte{first}
	switch lengthBits {
	case 7:
		frame = append(frame, 0x80|byte(len(payload)))
	case 16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(len(payload)))
	case 64:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(len(payload)))
	}
	mask := []byte{1, 2, 3, 4}
	frame = append(frame, mask...)
	for i, b := range payload {
		frame = append(frame, b^mask[i%4])
	}
	return frame
}

// rawServerFrame reads one unfragmented server frame.
func rawServerFrame(t testing.TB, r *bufio.Reader) (first byte, payload []byte) {
	t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatalf("no frame: %v", err)
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var b [2]byte
		io.ReadFull(r, b[:])
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		io.ReadFull(r, b[:])
		n = binary.BigEndian.Uint64(b[:])
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	return head[0], payload
}

// events collects what the hooks tell and lets a test wait for it.
type events struct {
	mu      sync.Mutex
	changed chan struct{}
	list    []any
}

func newEvents() (*events, *platform.Trace) {
	e := &events{changed: make(chan struct{})}
	return e, &platform.Trace{
		Call:       func(c platform.Call, o platform.Outcome) { e.add(callEvent{c, o}) },
		Connect:    func(c platform.Conn) { e.add(connectEvent{c}) },
		Disconnect: func(c platform.Conn, reason string) { e.add(disconnectEvent{c, reason}) },
		Publish:    func(p platform.PublishEvent) { e.add(p) },
		Deliver:    func(d platform.DeliverEvent) { e.add(d) },
		Ack:        func(a platform.AckEvent) { e.add(a) },
		Fail:       func(f platform.FailEvent) { e.add(f) },
		Park:       func(p platform.ParkEvent) { e.add(p) },
		Push:       func(p platform.PushEvent) { e.add(p) },
	}
}

type (
	callEvent struct {
		platform.Call
		platform.Outcome
	}
	connectEvent    struct{ platform.Conn }
	disconnectEvent struct {
		platform.Conn
		reason string
	}
)

func (e *events) add(v any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, v)
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *events) all() ([]any, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.list[:len(e.list):len(e.list)], e.changed
}

// await returns the nth event of type T, waiting for it.
func await[T any](t testing.TB, e *events, nth int) T {
	t.Helper()
	return awaitFor[T](t, e, nth, patience)
}

func awaitFor[T any](t testing.TB, e *events, nth int, limit time.Duration) T {
	t.Helper()
	late := time.After(limit)
	for {
		list, changed := e.all()
		seen := 0
		for _, v := range list {
			if v, ok := v.(T); ok {
				if seen++; seen == nth {
					return v
				}
			}
		}
		select {
		case <-changed:
		case <-late:
			var zero T
			t.Fatalf("event %d of type %T did not come; have %v", nth, zero, list)
		}
	}
}

// pipeListener lets a server and its clients meet in memory.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not contain %q", text, part)
		}
	}
}

func repeat(s string, n int) string { return string(bytes.Repeat([]byte(s), n)) }

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func decode(t testing.TB, frame []byte) wire.Delivery {
	d, err := wire.DecodeDelivery(frame)
	if err != nil {
		t.Error(err)
	}
	return d
}

// discard stores nothing.
type discard struct{ platform.Queues }

func (discard) Publish(_ context.Context, _ string, ms ...*platform.Message) ([]int, error) {
	return make([]int, len(ms)), nil
}

func (discard) Declare(context.Context, string, platform.Owner) error { return nil }

// storeOf returns a store that holds keys.
func storeOf(keys ...platform.Key) *memory.Store {
	s, err := memory.NewStore(keys...)
	if err != nil {
		panic(err)
	}
	return s
}
