// Command network asks for the state of a queue from behind a company's network: through a
// proxy, to a platform with a certificate of the company's own authority, and with times
// that end what hangs.
//
//	PRISM_URL=https://... PRISM_KEY=... PRISM_SECRET=... \
//	PRISM_CA=ca.pem PRISM_PROXY=http://NAME:PASSWORD@proxy:3128 go run ./examples/network
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	prism "github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

func main() {
	transport, err := transport(os.Getenv("PRISM_CA"), os.Getenv("PRISM_PROXY"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := prism.New(prism.Config{
		Server: os.Getenv("PRISM_URL"), Key: os.Getenv("PRISM_KEY"), Secret: os.Getenv("PRISM_SECRET"),
		HTTPClient: &http.Client{Transport: transport}, // of calls, and of channels too
		Timeout:    10 * time.Second,                   // of each try, from the dial to the last byte
		Retry:      prism.Retry{Tries: 3, Within: 20 * time.Second},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // of all together
	defer cancel()
	status, err := notify.NewQueueClient(client).Status(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Messages, "messages")
}

// transport returns one that believes the authorities in a PEM file, beside those of
// the system, and uses a proxy. Without a file it believes only those of the system, and
// without a proxy it uses that of the environment, if any.
func transport(authorities, proxy string) (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 5 * time.Second
	t.MaxIdleConnsPerHost = 20 // for calls at the same time; the default keeps two
	if authorities != "" {
		roots, err := believed(authorities)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	if proxy != "" {
		u, err := url.Parse(proxy)
		if err != nil {
			return nil, fmt.Errorf("PRISM_PROXY is no URL") // err would show its password
		}
		t.Proxy = http.ProxyURL(u)
	}
	return t, nil
}

func believed(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system that has none
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return roots, nil
}
