package prism

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// through returns the RoundTripper for a handshake. RFC 6455, 4.1, has a proxy
// asked for CONNECT also where the server is reached over plain http: as an
// ordinary request, the handshake would lose Upgrade on the way. net/http does so
// for https only. The transport returned keeps no connection for another request.
func (c *Client) through(req *http.Request) (http.RoundTripper, error) {
	t, ok := c.transport.(*http.Transport)
	if !ok || t.Proxy == nil || req.URL.Scheme != "http" {
		return c.transport, nil
	}
	proxy, err := t.Proxy(req)
	if err != nil {
		return nil, err
	}
	if proxy == nil || proxy.Scheme != "http" && proxy.Scheme != "https" {
		return c.transport, nil // SOCKS is a tunnel already
	}
	tunnel := t.Clone()
	tunnel.Proxy, tunnel.DisableKeepAlives = nil, true
	tunnel.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		ctx := req.Context()
		conn, err := dialProxy(ctx, t, proxy)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("proxy %s: %w", proxy.Host, err)}
		}
		stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
		if err = connect(ctx, t, conn, proxy, addr); err == nil && !stop() {
			err = ctx.Err()
		}
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
		}
		return conn, nil
	}
	return tunnel, nil
}

func dialProxy(ctx context.Context, t *http.Transport, proxy *url.URL) (net.Conn, error) {
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	}
	dial := t.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(proxy.Hostname(), port))
	if err != nil || proxy.Scheme == "http" {
		return conn, err
	}
	config := new(tls.Config)
	if t.TLSClientConfig != nil {
		config = t.TLSClientConfig.Clone()
	}
	config.ServerName, config.NextProtos = proxy.Hostname(), nil
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// connect asks the proxy at the other end of conn for a tunnel to addr.
func connect(ctx context.Context, t *http.Transport, conn net.Conn, proxy *url.URL, addr string) error {
	header := t.ProxyConnectHeader.Clone()
	if t.GetProxyConnectHeader != nil {
		given, err := t.GetProxyConnectHeader(ctx, proxy, addr)
		if err != nil {
			return err
		}
		header = given.Clone()
	}
	if header == nil {
		header = make(http.Header)
	}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: header}
	if err := req.Write(conn); err != nil {
		return err
	}
	const longest = 64 << 10 // of the header of the answer
	r := bufio.NewReader(io.LimitReader(conn, longest))
	resp, err := http.ReadResponse(r, req)
	if err == nil && t.OnProxyConnectResponse != nil {
		err = t.OnProxyConnectResponse(ctx, proxy, req, resp)
	}
	switch {
	case err != nil:
		return fmt.Errorf("CONNECT %s: %w", addr, err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("CONNECT %s is answered with HTTP %d: the proxy has to allow it for channels", addr, resp.StatusCode)
	case r.Buffered() > 0:
		return errors.New("the server speaks before it is asked")
	}
	return nil
}
