package tour

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/oauth"
)

const callbackPath = "/auth/callback"

// user runs a web application with a page that needs a login, and a browser that has
// only cookies.
func (s *story) user(ctx context.Context) error {
	l, err := listen()
	if err != nil {
		return err
	}
	address := "http://" + l.Addr().String()
	login, err := oauth.New(s.client, oauth.Config{CallbackURL: address + callbackPath})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer login.Close()
	defer serveHTTP(l, login.Require(http.HandlerFunc(s.orders)))()
	return s.signIn(ctx, address+"/orders")
}

// serveHTTP serves until stop is called.
func serveHTTP(l net.Listener, handler http.Handler) (stop func()) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	return func() {
		_ = server.Close()
		<-served
	}
}

// orders is the page: it calls the API for the user that opened it.
func (s *story) orders(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s.token = oauth.UserToken(ctx).AccessToken
	res, err := oauth.UserClient(ctx).Get(ctx, "shop/order", prism.Params{"id": "1001"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	var order struct{ Order, Customer string }
	if err := res.Decode(&order); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprintf(w, "Hello %s, order %s is that of %s", oauth.User(ctx).Login, order.Order, order.Customer)
}

// signIn opens a page that only users see.
func (s *story) signIn(ctx context.Context, address string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{}}
	defer browser.CloseIdleConnections()
	form, err := open(ctx, browser, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	s.say("opened", "%s, which sent the browser to the platform's login", address)
	fields := url.Values{"login": {s.key.App}, "password": {s.password}}
	for _, field := range hiddenField.FindAllStringSubmatch(form.body, -1) {
		fields.Set(field[1], html.UnescapeString(field[2]))
	}
	page, err := open(ctx, browser, http.MethodPost, form.address, fields)
	if err != nil {
		return err
	}
	s.say("signed in", "as %s, and back at %s", s.key.App, page.address)
	s.say("read", "%s: the backend knows for whom it is called", page.body)
	s.show("%s", page.body)
	want := fmt.Sprintf("Hello %[1]s, order 1001 is that of %[1]s", s.key.App)
	return errors.Join(check(page.address == address, "the login does not lead back to the page"),
		check(page.body == want, cmp.Or(page.body, "the page is empty")))
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// opened is a page as a browser shows it.
type opened struct{ address, body string }

func open(ctx context.Context, browser *http.Client, method, address string, form url.Values) (opened, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return opened{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "text/html")
	resp, err := browser.Do(req)
	if err != nil {
		return opened{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", resp.Request.URL.Redacted(), resp.Status)
	}
	return opened{resp.Request.URL.String(), string(body)}, err
}
