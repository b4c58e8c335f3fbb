// Package conns bounds the connections of a server and what their peers may send
// ahead.
package conns

import (
	"container/list"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// What the headers of unfinished requests may take: of one connection without
// being counted, of all connections together beyond that, and of those of one
// address. In memory a header in short lines is 25 times as large.
const (
	freeHeader    = 4 << 10
	allHeaders    = 2 << 20
	addressShare  = allHeaders / 4
	refusalsEvery = time.Minute // in the log
)

// A Limit bounds the connections of a listener: in all, and of one address.
type Limit struct {
	Total, PerAddress int
	Exempt            func(netip.Addr) bool // from PerAddress, such as a proxy
}

// A Listener takes connections within a limit. When it is full, a
// newcomer takes the place of the connection that has been without a request
// for longest, first of those that have never sent one; so connections that
// are merely held open keep nobody out.
type Listener struct {
	net.Listener
	limit   Limit
	log     *slog.Logger
	refused atomic.Int64 // connections, with those that lost their place

	mu        sync.Mutex // guards what follows
	open      int
	addresses map[netip.Addr]*addressUse
	fresh     list.List // of *boundedConn that have never sent a request
	idle      list.List // of those that have
	headers   int       // bytes of unfinished headers, beyond freeHeader of each
	told      time.Time
}

type addressUse struct{ conns, headers int }

// A boundedConn has all that a TCP connection has, so that the socket is
// written to as directly.
type boundedConn struct {
	*net.TCPConn
	of       *Listener
	group    netip.Addr
	exempt   bool
	awaiting atomic.Bool  // a request, or the rest of its header
	header   atomic.Int64 // bytes of that

	// Guarded by of.mu.
	queue   *list.List // that it waits in, or nil
	place   *list.Element
	counted int // of header
	left    bool
}

func bound(l net.Listener, limit Limit, log *slog.Logger) *Listener {
	return &Listener{Listener: l, limit: limit, log: log, addresses: make(map[netip.Addr]*addressUse)}
}

// Accept returns the next connection that is within the limit.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		tcp, ok := conn.(*net.TCPConn)
		if err != nil || !ok {
			return conn, err
		}
		if c := l.admit(tcp); c != nil {
			return c, nil
		}
		_ = tcp.Close()
	}
}

// Refused returns how many connections found no place, or lost theirs.
func (l *Listener) Refused() int64 { return l.refused.Load() }

// admit returns nil for a connection that has no place.
func (l *Listener) admit(tcp *net.TCPConn) *boundedConn {
	c := &boundedConn{TCPConn: tcp, of: l}
	if addr, err := netip.ParseAddrPort(tcp.RemoteAddr().String()); err == nil {
		c.group, c.exempt = groupOf(addr.Addr()), l.limit.Exempt(addr.Addr().Unmap())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	use := l.addresses[c.group]
	if !c.exempt && use != nil && use.conns >= l.limit.PerAddress {
		l.refuse("an address has as many as it may have (limits.connections-per-address)")
		return nil
	}
	if l.open >= l.limit.Total && !l.makeRoom() {
		return nil
	}
	if use = l.addresses[c.group]; use == nil {
		use = &addressUse{}
		l.addresses[c.group] = use
	}
	use.conns++
	l.open++
	l.await(c, &l.fresh)
	return c
}

// makeRoom ends the connection that has waited longest, and reports whether
// there was one.
func (l *Listener) makeRoom() bool {
	l.refuse("there are as many as there may be (limits.connections)")
	for _, queue := range []*list.List{&l.fresh, &l.idle} {
		if first := queue.Front(); first != nil {
			c := first.Value.(*boundedConn)
			l.leave(c)
			_ = c.TCPConn.Close()
			return true
		}
	}
	return false
}

// refuse counts a refusal and logs it once a minute.
func (l *Listener) refuse(why string) {
	n := l.refused.Add(1)
	if now := time.Now(); now.Sub(l.told) >= refusalsEvery {
		l.told = now
		l.log.Warn("connections are refused: "+why, "refused", n)
	}
}

// await puts c at the end of a queue, where it is until its request is there.
func (l *Listener) await(c *boundedConn, queue *list.List) {
	if c.left || c.queue != nil {
		return
	}
	c.queue, c.place = queue, queue.PushBack(c)
	c.awaiting.Store(true)
}

// proceed takes c out of its queue and gives back what its header has taken.
func (l *Listener) proceed(c *boundedConn) {
	c.awaiting.Store(false)
	c.header.Store(0)
	if c.queue != nil {
		c.queue.Remove(c.place)
		c.queue, c.place = nil, nil
	}
	if use := l.addresses[c.group]; use != nil {
		use.headers -= c.counted
	}
	l.headers -= c.counted
	c.counted = 0
}

// leave gives the place of c free.
func (l *Listener) leave(c *boundedConn) {
	if c.left {
		return
	}
	l.proceed(c)
	c.left = true
	l.open--
	use := l.addresses[c.group]
	if use.conns--; use.conns == 0 {
		delete(l.addresses, c.group)
	}
}

// changed is for [http.Server.ConnState].
func (l *Listener) changed(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	c, ok := conn.(*boundedConn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch state {
	case http.StateActive, http.StateHijacked:
		l.proceed(c)
	case http.StateIdle:
		l.await(c, &l.idle)
	}
}

// count takes n further bytes of the header of c, or reports false when there
// is no room for them.
func (l *Listener) count(c *boundedConn, n int) bool {
	over := int(c.header.Add(int64(n))) - freeHeader
	if over <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	use := l.addresses[c.group]
	if c.left || c.queue == nil {
		return !c.left // its request is there
	}
	more := over - c.counted
	if l.headers+more > allHeaders || !c.exempt && use.headers+more > addressShare {
		l.refuse("the headers of unfinished requests take as much as they may")
		return false
	}
	c.counted, l.headers, use.headers = over, l.headers+more, use.headers+more
	return true
}

var errNoRoomForHeader = errors.New("the headers of unfinished requests take as much as they may")

func (c *boundedConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 && c.awaiting.Load() && !c.of.count(c, n) {
		_ = c.Close()
		return 0, errNoRoomForHeader
	}
	return n, err
}

func (c *boundedConn) Close() error {
	c.of.mu.Lock()
	c.of.leave(c)
	c.of.mu.Unlock()
	return c.TCPConn.Close()
}

// groupOf returns what counts as one address: of IPv6 a network, of which every
// subscriber has a whole one.
func groupOf(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	network, _ := addr.Prefix(64)
	return network.Addr()
}
