package users

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/sign"
)

// HTTP asks an HTTP API who a user is. URL, Key and Secret are required. The fields must
// not be changed once it is used; its methods may be called from any number of goroutines.
//
// It posts a form with the login and the password, with what Meta has, and signed as a
// call to the platform is (package sign, protocol chapter 2) with client_id, sign_method,
// sign_time and sign: the API can verify it by the same rule, and should, as it would
// help everyone else to guess passwords. It answers with JSON:
//
//	{"id": 7, "mail": "ann@example.com"}
//
// That is the user's ID, and Data. Texts, numbers and booleans are taken as they are
// written, objects and lists as JSON, null is no value. What published descriptions of
// the original platform leave open has a field here.
//
// It is up to the API that an unknown login takes as long as a wrong password.
type HTTP struct {
	// URL is where to post, by https. By http it is on this machine only, unless
	// AllowPlain is set. What its query has is kept, and signed.
	URL string

	// Key and Secret sign.
	Key, Secret string

	// Meta are further parameters of the form.
	Meta map[string]string

	// LoginName and PasswordName are the parameters for the login and the password. The
	// defaults are login and password.
	LoginName, PasswordName string

	// Member is the member of the answer that is the user, such as data, or
	// result.user. If empty, it is the whole answer. A member that is a text or a
	// number is the ID of a user without Data. One that is absent, null, false, 0, "",
	// {} or [] means a wrong password.
	Member string

	// IDMember is the member of the user that is the ID. The default is id.
	IDMember string

	// WrongStatus are the statuses that mean a wrong password, whatever the answer
	// has. If nil, it is 401. Any other that is not 2xx means that the password was
	// not checked: an API should refuse a signature with 403.
	WrongStatus []int

	// CheckURL is asked whether a user who has logged in still may be: it gets the same
	// form without the password, and answers likewise. No user ends the sessions, and so
	// does another ID, or another value of the member epoch of the user, which the
	// answers of both may have: any text or number that changes with the password. If
	// CheckURL is empty, sessions end by their time only.
	CheckURL string

	// CheckEvery is how long it may take until a session ends by what CheckURL says. The
	// default is a minute.
	CheckEvery time.Duration

	// AllowPlain lets URL and CheckURL be http to other machines. Everyone on the way can read the
	// passwords then.
	AllowPlain bool

	// Timeout bounds a login, and a check. The default is 10 seconds.
	Timeout time.Duration

	// Client sends, and is not changed. If nil, it is one of this package, which takes 64
	// KiB of headers. Redirects are not followed, as they might take the password
	// elsewhere.
	Client *http.Client

	// Logger gets failures of CheckURL. If nil, nothing is logged.
	Logger *slog.Logger

	epochs epochs
}

const (
	maxAnswer = 64 << 10 // bytes
	maxHeader = 64 << 10
)

var defaultClient = sync.OnceValue(func() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxHeader
	return &http.Client{Transport: transport}
})

// Check returns what is missing or wrong. [HTTP.Authenticate] does, too.
func (h *HTTP) Check() error {
	if err := h.checkURL("URL", h.URL); err != nil {
		return err
	}
	if h.CheckURL != "" {
		if err := h.checkURL("CheckURL", h.CheckURL); err != nil {
			return err
		}
	}
	if h.Key == "" || h.Secret == "" {
		return errors.New("users: HTTP needs Key and Secret, to sign with")
	}
	for _, name := range []string{h.loginName(), h.passwordName(), "client_id", "sign_method", "sign_time", "sign"} {
		if _, ok := h.Meta[name]; ok {
			return fmt.Errorf("users: Meta has %s, which is a parameter of its own", name)
		}
	}
	return nil
}

func (h *HTTP) checkURL(name, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("users: %s must be that of an API, such as https://shop.example/check, without a user", name)
	case u.Scheme == "http" && !h.AllowPlain && !isLoopback(u.Hostname()):
		return fmt.Errorf("users: %s is http to another machine: everyone on the way could read the passwords; use https", name)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (h *HTTP) loginName() string    { return cmp.Or(h.LoginName, "login") }
func (h *HTTP) passwordName() string { return cmp.Or(h.PasswordName, "password") }

// Authenticate implements [platform.Users]. It returns [platform.ErrWrongPassword] for
// what HTTP says. Any other error matches [ErrUnavailable], or is that of Check.
func (h *HTTP) Authenticate(ctx context.Context, login, password string) (platform.User, error) {
	if err := h.Check(); err != nil {
		return platform.User{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(h.Timeout, defaultTimeout))
	defer cancel()
	user, err := h.user(ctx, h.URL, url.Values{h.loginName(): {login}, h.passwordName(): {password}}, password)
	user.Login = login
	if err == nil && h.CheckURL != "" {
		user.Epoch = epochOfAPI(user)
		h.epochs.learn(login, user.Epoch, cmp.Or(h.CheckEvery, defaultCheck))
	}
	if h.CheckURL != "" {
		delete(user.Data, epochMember)
	}
	return user, err
}

// user returns the user that the API at an address answers with. The password is not in the
// words of an error.
func (h *HTTP) user(ctx context.Context, address string, form url.Values, password string) (platform.User, error) {
	status, answer, err := h.ask(ctx, address, form)
	if err != nil {
		return platform.User{}, unavailable(ctx, password, "the API of the users was asked", err)
	}
	user, err := h.judge(status, answer)
	if err != nil && !errors.Is(err, platform.ErrWrongPassword) {
		return platform.User{}, unavailable(ctx, password, "the API of the users has answered", err)
	}
	return user, err
}

// ask posts the form, and returns what is answered.
func (h *HTTP) ask(ctx context.Context, address string, form url.Values) (status int, answer []byte, err error) {
	request, err := h.request(ctx, address, form)
	if err != nil {
		return 0, nil, withoutAddress(err)
	}
	client := *cmp.Or(h.Client, defaultClient())
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, withoutAddress(err)
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return response.StatusCode, answer, err
}

// request makes the signed request, with further parameters in the form.
func (h *HTTP) request(ctx context.Context, address string, form url.Values) (*http.Request, error) {
	form.Set("client_id", h.Key)
	form.Set("sign_method", "md5")
	form.Set("sign_time", strconv.FormatInt(time.Now().Unix(), 10))
	for name, value := range h.Meta {
		form.Set(name, value)
	}
	request, err := http.NewRequestWithContext(ctx, "POST", address, nil)
	if err != nil {
		return nil, err
	}
	form.Set("sign", sign.Sign(h.Secret, sign.Request{
		Method: "POST", Path: cmp.Or(request.URL.Path, "/"), Query: request.URL.Query(), Form: form,
	}))
	body := form.Encode()
	request.Body = io.NopCloser(strings.NewReader(body)) // without GetBody, so that it is sent once
	request.ContentLength = int64(len(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	return request, nil
}

// withoutAddress takes the URL out of an error, whose query may hold a secret.
func withoutAddress(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// judge returns the user of an answer.
func (h *HTTP) judge(status int, answer []byte) (platform.User, error) {
	wrong := h.WrongStatus
	if wrong == nil {
		wrong = []int{http.StatusUnauthorized}
	}
	switch {
	case slices.Contains(wrong, status):
		return platform.User{}, platform.ErrWrongPassword
	case status == http.StatusNoContent:
		return platform.User{}, platform.ErrWrongPassword
	case status < 200 || status > 299:
		return platform.User{}, fmt.Errorf("the status is %d", status)
	}
	return parseUser(answer, h.Member, cmp.Or(h.IDMember, "id"))
}
