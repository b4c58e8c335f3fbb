package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
)

// bulk is the size of one body of the rows about streams.
const bulk = 64 << 20

// openGateway compares a call through the gateway, verified, permitted, under a limit and
// signed for the backend, with httputil.ReverseProxy, which does the same forward and
// nothing else. Both get the same requests.
func openGateway() (*contest, error) { return besideProxy(10, (*calling).order) }

// openUpload and openDownload compare bodies of 64 MiB.
func openUpload() (*contest, error)   { return besideProxy(10, (*calling).upload) }
func openDownload() (*contest, error) { return besideProxy(10, (*calling).download) }

// openManyAPIs compares a service of so many APIs with one of ten.
func openManyAPIs(apis int) (*contest, error) {
	b := openBackend()
	many, err := b.behindGateway(apis)
	var few *calling
	if err == nil {
		few, err = b.behindGateway(10)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return &contest{
		ours:  func(n int) error { return repeat(n, many.order) },
		floor: func(n int) error { return repeat(n, few.order) },
		close: b.close,
	}, nil
}

func besideProxy(apis int, do func(*calling) error) (*contest, error) {
	b := openBackend()
	ours, err := b.behindGateway(apis)
	if err != nil {
		b.close()
		return nil, err
	}
	floor := b.behindProxy()
	return &contest{
		ours:  func(n int) error { return repeat(n, func() error { return do(ours) }) },
		floor: func(n int) error { return repeat(n, func() error { return do(floor) }) },
		close: b.close,
	}, nil
}

// A backend answers orders at once, takes uploads and gives downloads.
type backend struct {
	server *httptest.Server
	ends   []func()
}

func openBackend() *backend {
	zeros := make([]byte, 64<<10)
	mux := http.NewServeMux()
	mux.HandleFunc("/order", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, callAnswer)
	})
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.CopyBuffer(io.Discard, r.Body, make([]byte, 64<<10))
		fmt.Fprint(w, n)
	})
	mux.HandleFunc("/download", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(bulk))
		for range bulk / len(zeros) {
			_, _ = w.Write(zeros)
		}
	})
	s := httptest.NewServer(mux)
	return &backend{server: s, ends: []func(){s.Close}}
}

func (b *backend) close() {
	for i := len(b.ends) - 1; i >= 0; i-- {
		b.ends[i]()
	}
}

// behindGateway returns what calls the backend through a platform whose service lists so
// many APIs.
func (b *backend) behindGateway(apis int) (*calling, error) {
	e, err := inMemory()
	if err != nil {
		return nil, err
	}
	registry, ctx := platform.NewRegistry(e.store), context.Background()
	err = registry.SaveService(ctx, platform.Service{
		ID: "shop", File: description(b.server.URL, apis).Format(), Online: true, Trusted: true,
		Config: map[string]string{"token": benchSecret},
	})
	if err == nil {
		err = registry.BindAPI(ctx, bothKeys[0].App, platform.APIBinding{Service: "shop", Path: "*", Limit: apijson.Limit{Count: 1e9, Per: time.Hour}})
	}
	if err != nil {
		return nil, err
	}
	p, err := platform.New(platform.Config{Store: e.store, Queues: e.queues})
	if err != nil {
		return nil, err
	}
	s := httptest.NewServer(p)
	b.ends = append(b.ends, func() { _ = p.Shutdown(ctx) }, s.Close)
	return b.caller(s.URL), nil
}

// description is a service with the APIs of the backend among others, each with a
// signature of the scheme ecos.
func description(address string, apis int) *apijson.Service {
	s := &apijson.Service{
		URL: address, Prefix: "shop", Mode: apijson.Path, ParamName: "method",
		ConfigValues: []apijson.ConfigValue{{Name: "token", Secret: true}},
		GlobalParams: []apijson.GlobalParam{{Name: "sign", Place: apijson.Query, ValueType: apijson.Sign, Format: string(apijson.ECOS)}},
	}
	for _, path := range []string{"order", "upload", "download"} {
		s.APIs = append(s.APIs, apijson.API{ID: path, Path: path})
	}
	for i := range apis - len(s.APIs) {
		id := fmt.Sprintf("other%d", i)
		s.APIs = append(s.APIs, apijson.API{ID: id, Path: id + "/{of}"})
	}
	return s
}

// behindProxy returns what calls the backend through httputil.ReverseProxy.
func (b *backend) behindProxy() *calling {
	to, _ := url.Parse(b.server.URL)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	s := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.URL.Path = strings.TrimPrefix(r.Out.URL.Path, "/api/shop")
	}})
	b.ends = append(b.ends, transport.CloseIdleConnections, s.Close)
	return b.caller(s.URL)
}

// A calling makes the same signed calls again and again.
type calling struct {
	client                 *http.Client
	server                 string
	orders, uploads, loads string // queries
}

func (b *backend) caller(server string) *calling {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	b.ends = append(b.ends, transport.CloseIdleConnections)
	return &calling{
		client: &http.Client{Transport: transport}, server: server,
		orders: signed("POST", "/api/shop/order", "fields", "tid,status"), uploads: signed("PUT", "/api/shop/upload", "fields", "tid,status"),
		loads: signed("GET", "/api/shop/download", "fields", "tid,status"),
	}
}

const orderBody = `{"tid":"20260101","status":"paid"}`

func (c *calling) order() error {
	return c.call("POST", c.orders, strings.NewReader(orderBody), len(orderBody), int64(len(callAnswer)))
}

func (c *calling) upload() error {
	return c.call("PUT", c.uploads, io.LimitReader(zeros{}, bulk), bulk, int64(len(strconv.Itoa(bulk))))
}

func (c *calling) download() error { return c.call("GET", c.loads, nil, 0, bulk) }

func (c *calling) call(method, target string, body io.Reader, size int, want int64) error {
	req, err := http.NewRequest(method, c.server+target, body)
	if err != nil {
		return err
	}
	req.ContentLength = int64(size)
	if size > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(io.Discard, resp.Body, make([]byte, 64<<10))
	err = errors.Join(err, resp.Body.Close())
	if err == nil && (resp.StatusCode != http.StatusOK || n != want) {
		err = fmt.Errorf("answered %s with %d bytes", resp.Status, n)
	}
	return err
}

// zeros has zeros without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
