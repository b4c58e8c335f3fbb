package platform_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
)

// An endless body has n bytes and takes no memory.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), e.left))
	e.left -= int64(n)
	return n, nil
}

// streamed is larger than any bound of the platform, as it is set in these tests.
const streamed = 64 << 20

func TestABodyThatIsNoFormIsStreamedBothWays(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{Limits: platform.Limits{RequestBody: 1 << 20}})
	var got int64
	e.backend.answers(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.Copy(io.Discard, r.Body)
		io.Copy(w, &endless{streamed})
	})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	resp, err := e.client.Do(e.post(first(), "orders/add", "application/octet-stream", &endless{streamed}))
	must(t, err)
	defer resp.Body.Close()
	back, err := io.Copy(io.Discard, resp.Body)
	runtime.ReadMemStats(&after)
	if err != nil || got != streamed || back != streamed {
		t.Errorf("%d bytes came to the backend and %d back, %v", got, back, err)
	}
	if held := int64(after.HeapSys) - int64(before.HeapSys); held > streamed/4 {
		t.Errorf("the heap grew by %d bytes", held)
	}
}

func TestABodyWithALengthMayBeLargerThanOneThatOthersGet(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{
		Limits:  platform.Limits{RequestBody: 2000},
		Backend: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }),
	})
	large := strings.Repeat("x", 5000)
	e.send(e.post(first(), "orders/add", "text/plain", strings.NewReader(large))).answered(t)
	if _, _, body := e.backend.got(); body != large {
		t.Errorf("%d bytes came to the backend", len(body))
	}
	e.send(e.post(first(), "elsewhere", "text/plain", strings.NewReader(large))).want(t, 413, "request_too_large")
	e.send(e.post(first(), "platform/notify/purge", "text/plain", strings.NewReader(large))).want(t, 413, "request_too_large")
	e.as(first(), "POST", "/api/orders/add", url.Values{"x": {large}}).want(t, 413, "request_too_large")
}

// Whoever is refused gets no permission to send, and what is sent is not read to its end.
func TestALargeBodyThatIsRefusedIsNotRead(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	query := url.Values{}
	signedBy(otherKey, otherSecret, e.now(), "POST", "/api/orders/add", nil, query, nil)
	for _, expects := range []string{"", "Expect: 100-continue\r\n"} {
		conn, err := net.Dial("tcp", e.addr)
		must(t, err)
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(conn, "POST /api/orders/add?%s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n", query.Encode(), int64(1)<<40, expects)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		readReply(t, resp).want(t, 403, "forbidden_api")
		if !resp.Close {
			t.Errorf("%q: the connection is kept", expects)
		}
	}
	if n, _, _ := e.backend.got(); n != 0 {
		t.Errorf("the backend got %d calls", n)
	}
}

func TestTheBackendMayAskForTheBody(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	req := e.post(first(), "orders/add", "text/plain", strings.NewReader("the body"))
	req.Header.Set("Expect", "100-continue")
	e.send(req).answered(t)
	if _, _, body := e.backend.got(); body != "the body" {
		t.Errorf("the backend got %q", body)
	}
}

// BodyTimeout is for bodies that the platform reads; the gateway looks whether one stands
// still.
func TestASlowBodyHasTheGatewaysTime(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{BodyTimeout: 100 * time.Millisecond, Gateway: platform.Gateway{IdleTimeout: 2 * time.Second}})
	body, sender := io.Pipe()
	go func() {
		for range 4 {
			time.Sleep(80 * time.Millisecond)
			io.WriteString(sender, "x")
		}
		sender.Close()
	}()
	e.send(e.post(first(), "orders/add", "text/plain", body)).answered(t)
	if _, _, got := e.backend.got(); got != "xxxx" {
		t.Errorf("the backend got %q", got)
	}
	still, sender := io.Pipe()
	defer sender.Close()
	go io.WriteString(sender, "x")
	began := time.Now()
	e.send(e.post(first(), "orders/add", "text/plain", still)).want(t, 408, "request_timeout")
	if took := time.Since(began); took > patience/2 {
		t.Errorf("after %v", took)
	}
}

func TestEventsOfABackendComeAtOnce(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	more := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(more) })
	defer goOn()
	e.backend.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-more
		io.WriteString(w, "data: 2\n\n")
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	resp, err := e.client.Do(e.requestAs(first(), "GET", "/api/orders/list", nil).WithContext(ctx))
	must(t, err)
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "data: 1\n" {
		t.Errorf("the first line is %q, %v", line, err)
	}
	goOn()
	if rest, err := io.ReadAll(lines); err != nil || string(rest) != "\ndata: 2\n\n" {
		t.Errorf("the rest is %q, %v", rest, err)
	}
}

func TestAMultipartFormReachesTheAPIThatItNames(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	e.save("goods", &apijson.Service{
		URL: "http://127.0.0.1:1/", Prefix: "goods", Mode: apijson.Param, ParamName: "method",
		APIs: []apijson.API{{ID: "item.get", Methods: []string{"POST"}}, {ID: "item.add", Methods: []string{"POST"}}},
	})
	e.bind("shop", "goods", "item.get")
	send := func(c caller, method string) reply {
		t.Helper()
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		form.WriteField("method", method)
		form.WriteField("client.id", "victim")
		file, err := form.CreateFormFile("photo", "a.png")
		must(t, err)
		io.WriteString(file, "pixels")
		form.Close()
		return e.send(e.post(c, "goods", form.FormDataContentType(), &body))
	}
	send(first(), "item.get").answered(t)
	if _, _, body := e.backend.got(); !strings.Contains(body, "pixels") || strings.Contains(body, "victim") {
		t.Errorf("the backend got %s", body)
	}
	send(first(), "item.add").want(t, 403, "forbidden_api")
	send(first(), "item.rob").want(t, 404, "unknown_api")
	send(second(), "item.get").want(t, 403, "forbidden_api")
}

// What two servers could read as two requests reaches a backend as one, or not at all.
func TestARequestThatCanBeReadInTwoWaysIsOne(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	query := url.Values{}
	signedBy(testKey, testSecret, e.now(), "POST", "/api/orders/add", nil, query, nil)
	for _, head := range []string{
		"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: xchunked\r\n",
		"Content-Length: 4\r\nContent-Length: 50\r\n",
	} {
		before, _, _ := e.backend.got()
		conn, err := net.Dial("tcp", e.addr)
		must(t, err)
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		smuggled := "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
		fmt.Fprintf(conn, "POST /api/orders/add?%s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nConnection: close\r\n%s\r\n0\r\n\r\n%s", query.Encode(), head, smuggled)
		http.ReadResponse(bufio.NewReader(conn), nil)
		after, last, body := e.backend.got()
		if after > before+1 || after > before && (last.URL.Path != "/base/add" || strings.Contains(body, "smuggled") || last.Header.Get("Transfer-Encoding") != "") {
			t.Errorf("%q: the backend got %d requests, the last %s %q", head, after-before, last.URL, body)
		}
	}
}

func TestWhatACallerClaimsReachesNoBackend(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{})
	req := e.requestAs(first(), "GET", "/api/orders/list", nil)
	for _, name := range []string{"X-Api-Oauth", "X-Api-Arg", "X-Caller-Ip", "X_Api_Oauth", "X-Api.Arg", "x_caller-ip"} {
		req.Header[name] = []string{"forged"}
	}
	req.Header.Set("Connection", "X-Api-Arg, X-Caller-Ip")
	req.Header.Set("Cookie", "session=1")
	query := req.URL.Query()
	signedBy(testKey, testSecret, e.now(), "GET", "/api/orders/list", req.Header, url.Values{}, nil)
	query.Del("sign")
	fresh := url.Values{}
	signedBy(testKey, testSecret, e.now(), "GET", "/api/orders/list", req.Header, fresh, nil)
	req.URL.RawQuery = fresh.Encode()
	e.send(req).answered(t)
	_, got, _ := e.backend.got()
	for name, values := range got.Header {
		if strings.Contains(strings.Join(values, ""), "forged") || name == "Cookie" {
			t.Errorf("the backend got %s: %s", name, values)
		}
	}
	if got.Header.Get("X-Caller-Ip") != "127.0.0.1" || !strings.Contains(got.Header.Get("X-Api-Arg"), testKey) {
		t.Errorf("the backend got %v", got.Header)
	}
}

// halfway sends a call that says more of its body than it sends, and returns the connection
// and what comes from it.
func (e *gatewayEnv) halfway(t *testing.T, sent string) (net.Conn, *bufio.Reader) {
	t.Helper()
	query := url.Values{}
	signedBy(testKey, testSecret, e.now(), "POST", "/api/orders/add", nil, query, nil)
	conn, err := net.Dial("tcp", e.addr)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "POST /api/orders/add?%s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 200000\r\n\r\n%s", query.Encode(), sent)
	return conn, bufio.NewReader(conn)
}

// A body that nobody waits for may come late or never. It holds no connection, and is not
// taken for the next request.
func TestTheRestOfABodyIsNoRequest(t *testing.T) {
	e := newGatewayEnv(t, platform.Config{Gateway: platform.Gateway{IdleTimeout: time.Hour}})
	for _, tt := range []struct {
		name, backend string
		status        int
	}{{"answered", e.backend.URL, 413}, {"failed", "http://127.0.0.1:1", 502}} {
		t.Run(tt.name, func(t *testing.T) {
			e.backend.answers(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Connection", "close") // or it waits for the body
				w.WriteHeader(413)
			})
			e.update("orders", func(s *platform.Service) { s.Backend = tt.backend })
			_, in := e.halfway(t, "x")
			resp, err := http.ReadResponse(in, nil)
			must(t, err)
			io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != tt.status || !resp.Close {
				t.Errorf("status %d, the connection is kept: %t", resp.StatusCode, !resp.Close)
			}
			if _, err := in.ReadByte(); err != io.EOF {
				t.Errorf("the connection is still open: %v", err)
			}
		})
	}
}
