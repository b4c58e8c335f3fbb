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

// through returns the RoundTripper for a handshake, and the address of the proxy on
// its way, if any. RFC 6455, 4.1, has a proxy asked for CONNECT also where the
// server is reached over plain http: as an ordinary request, the handshake would lose
// Upgrade on the way. net/http does so for https only, and then waits a minute for the
// proxy's answer, whatever becomes of the request. The transport returned keeps no
// connection for another request.
func (c *Client) through(req *http.Request) (via http.RoundTripper, address string, err error) {
	t, proxy, err := c.proxy(req)
	if err != nil || proxy == nil {
		return c.transport, "", err
	}
	if proxy.Scheme != "http" && proxy.Scheme != "https" {
		return c.transport, proxy.Host, nil // SOCKS is a tunnel already
	}
	tunnel := t.Clone()
	tunnel.Proxy, tunnel.DialTLSContext, tunnel.DisableKeepAlives = nil, nil, true
	//lint:ignore SA1019 it would be asked instead of DialContext
	tunnel.DialTLS = nil
	tunnel.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		return dialThrough(req.Context(), t, proxy, addr)
	}
	return tunnel, proxy.Host, nil
}

// proxy returns the proxy for req, or nil, and the transport that names it.
func (c *Client) proxy(req *http.Request) (*http.Transport, *url.URL, error) {
	t, ok := c.transport.(*http.Transport)
	if !ok || t.Proxy == nil {
		return t, nil, nil
	}
	proxy, err := t.Proxy(req)
	return t, proxy, err
}

// proxySecrets returns what a proxy for r gets to see, and may repeat.
func (c *Client) proxySecrets(r *request) secrets {
	to := r.url
	_, proxy, err := c.proxy(&http.Request{Method: r.method, URL: &to, Host: to.Host, Header: r.header})
	if err != nil || proxy == nil || proxy.User == nil {
		return nil
	}
	password, _ := proxy.User.Password()
	return secrets{password, credentials(proxy.User)}
}

func credentials(user *url.Userinfo) string {
	password, _ := user.Password()
	return base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
}

// dialThrough returns a connection to addr through a tunnel of the proxy.
func dialThrough(ctx context.Context, t *http.Transport, proxy *url.URL, addr string) (net.Conn, error) {
	conn, err := dialProxy(ctx, t, proxy)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	if err = connect(ctx, t, conn, proxy, addr); err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
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
	if proxy.User != nil {
		header.Set("Proxy-Authorization", "Basic "+credentials(proxy.User))
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: header}
	if err := req.Write(conn); err != nil {
		return err
	}
	const longest = 64 << 10 // of the header of the answer
	r := bufio.NewReader(io.LimitReader(conn, longest))
	resp, err := http.ReadResponse(r, req)
	if err == nil {
		err = checkTunnel(ctx, t, proxy, req, resp)
	}
	switch {
	case err != nil:
		return err
	case r.Buffered() > 0:
		return errors.New("the server speaks before it is asked")
	}
	return nil
}

// loginOfProxy says what to do about a 407.
const loginOfProxy = "the proxy asks for a name and a password, or refuses those it got: write them into its address, " +
	"http://NAME:PASSWORD@HOST:PORT, in HTTP_PROXY and HTTPS_PROXY, or in the Proxy of the Transport"

// checkTunnel returns why the proxy gives no tunnel, or nil if it gives one.
func checkTunnel(ctx context.Context, t *http.Transport, proxy *url.URL, asked *http.Request, resp *http.Response) error {
	if t.OnProxyConnectResponse != nil {
		if err := t.OnProxyConnectResponse(ctx, proxy, asked, resp); err != nil {
			return err
		}
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return fmt.Errorf("CONNECT %s is answered with HTTP 407: %s", asked.Host, loginOfProxy)
	}
	return fmt.Errorf("CONNECT %s is answered with HTTP %d: the proxy has to allow it for channels", asked.Host, resp.StatusCode)
}
