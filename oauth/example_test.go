package oauth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/oauth"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// ctx stands for the context of the caller.
var ctx = context.Background()

// example stands for the *testing.T of a test.
type example struct{ cleanups []func() }

func (e *example) Helper()                   {}
func (e *example) Cleanup(f func())          { e.cleanups = append(e.cleanups, f) }
func (e *example) Fatalf(f string, a ...any) { log.Fatalf(f, a...) }
func (e *example) close() {
	for i := range e.cleanups {
		e.cleanups[len(e.cleanups)-1-i]()
	}
}

// With the Python SDK and web.py this was
//
//	class index:
//	    def GET(self):
//	        oauth = PrismOauth(url, key, secret, session)
//	        user = oauth.require_oauth()
//	        return 'hello ' + user['login']
//
// and with net/http it is as follows.
func ExampleLogin_Require() {
	t := new(example)
	defer t.close()
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{Login: "joe"}, "open sesame")

	mux := http.NewServeMux()
	site := srv.Site(mux)
	srv.AllowRedirect(site+"/auth/callback", site+"/")

	login, err := oauth.New(srv.Client(), oauth.Config{CallbackURL: site + "/auth/callback"})
	if err != nil {
		log.Fatal(err)
	}
	defer login.Close()
	index := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", oauth.User(r.Context()).Login)
	}
	mux.Handle("/", login.Require(http.HandlerFunc(index)))
	mux.Handle("POST /logout", login.Logout())

	// A browser asks for the page, and is redirected to the login and back.
	resp := srv.SignIn(srv.Browser(), site+"/", "joe", "open sesame")
	page, _ := io.ReadAll(resp.Body)
	fmt.Print(resp.Status, ": ", string(page))
	// Output: 200 OK: hello joe
}

// A program with sessions of its own takes the steps itself.
func ExampleLogin_Exchange() {
	t := new(example)
	defer t.close()
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{Login: "joe"}, "open sesame")
	arrived := make(chan string, 1)
	site := srv.Site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.URL.Query().Get("code") // a real one compares the state first
	}))
	srv.AllowRedirect(site + "/callback")

	login, err := oauth.New(srv.Client(), oauth.Config{CallbackURL: site + "/callback"})
	if err != nil {
		log.Fatal(err)
	}
	state, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	page := login.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
	srv.SignIn(srv.Browser(), page, "joe", "open sesame")

	token, err := login.Exchange(ctx, <-arrived, oauth2.VerifierOption(verifier))
	if err != nil {
		log.Fatal(err)
	}
	newer, err := login.Refresh(ctx, token.RefreshToken)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(newer.User().Login, login.CheckSession(ctx, newer.SessionID))
	// Output: joe <nil>
}

func ExampleLogin_TokenSource() {
	login, err := oauth.New(client, oauth.Config{
		CallbackURL: "https://shop.example/auth/callback",
		OnToken:     func(ctx context.Context, t *oauth.Token) { keep(t) },
	})
	if err != nil {
		log.Fatal(err)
	}
	source := login.TokenSource(ctx, kept())
	token, err := source.Token() // refreshed and stored if it was due
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.WithToken(token.AccessToken).Get(ctx, "platform/oauth/user", nil)
	if err != nil {
		log.Fatal(err)
	}
}

// client, keep and kept stand for the client and the storage of the program.
var (
	client *prism.Client
	keep   = func(*oauth.Token) {}
	kept   = func() *oauth.Token { return nil }
)
