package tour

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/provider"
)

const (
	warehouse = "warehouse" // the prefix of the APIs that are offered
	perDay    = 2           // calls of a key
)

type stockQuery struct {
	SKU string `param:"sku" desc:"the number of an article"`
}

type stock struct {
	Pieces int    `json:"pieces"`
	For    string `json:"for"`
}

// stockOf is the function that a warehouse offers.
func stockOf(ctx context.Context, in stockQuery) (*stock, error) {
	if in.SKU != "4711" {
		return nil, &provider.Error{Code: "40004", Message: "no such article", Status: 404}
	}
	return &stock{Pieces: 3, For: provider.CallFrom(ctx).User.Login}, nil
}

// offer runs the backend of a warehouse, and lets the shop call it for a while.
func (s *story) offer(ctx context.Context) error {
	l, err := listen()
	if err != nil {
		return err
	}
	address, secret := "http://"+l.Addr().String(), platform.NewKey("").Secret
	backend, err := provider.New(provider.Config{
		Secrets:     []string{secret},
		About:       apijson.Service{Prefix: warehouse, URL: address},
		APIJSONPath: "/api.json",
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	backend.Handle("GET stock/{sku}", provider.Func(stockOf),
		provider.ID("stock.get"), provider.RequireUser, provider.Limit(perDay, 24*time.Hour))
	defer serveHTTP(l, backend)()

	client, err := s.clientOf(s.admin)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	return s.callOffered(ctx, admin.New(client), address+"/api.json", secret)
}

// callOffered imports an api.json, binds the shop to it, and takes that back.
func (s *story) callOffered(ctx context.Context, operator *admin.Client, apiJSON, secret string) error {
	if _, err := operator.ImportService(ctx, apiJSON); err != nil {
		return err
	}
	if err := operator.SetConfig(ctx, warehouse, "client_secret", secret); err != nil {
		return err
	}
	if err := operator.SetOnline(ctx, warehouse, true); err != nil {
		return err
	}
	s.say("offered", "the APIs of a warehouse, imported from %s and on line", apiJSON)
	if err := operator.BindAPI(ctx, s.key.App, admin.Binding{Service: warehouse, Path: "*"}); err != nil {
		return err
	}
	s.say("bound", "the app of the shop to them; its keys may call stock.get %d times a day", perDay)
	limited, err := s.callToTheLimit(ctx)
	if err != nil {
		return err
	}
	if _, err := operator.UnbindAPI(ctx, s.key.App, warehouse, "*"); err != nil {
		return err
	}
	_, err = s.askStock(ctx)
	forbidden, err := refusedAs(err, "forbidden_api")
	if err != nil {
		return err
	}
	s.say("taken back", "the binding: %s", forbidden)
	s.show("HTTP 200, 3 pieces; then %s; then %s", limited, forbidden)
	return nil
}

// callToTheLimit calls until that is refused. It is the call after the last one that may
// be made, or one soon after it if a day ends meanwhile.
func (s *story) callToTheLimit(ctx context.Context) (refusal string, err error) {
	var got stock
	for call := 1; err == nil; call++ {
		if call > 2*perDay+1 {
			return "", fmt.Errorf("%d calls were not too many", call-1)
		}
		var res *prism.Response
		if res, err = s.askStock(ctx); err == nil {
			err = res.Decode(&got)
		}
		if err == nil && call == 1 {
			s.say("called", "GET %s/stock/4711 for a user: HTTP %d, %d pieces for %s", warehouse, res.Status, got.Pieces, got.For)
		}
	}
	if refusal, err = refusedAs(err, "rate_limited"); err != nil {
		return "", err
	}
	s.say("refused", "a further call: %s", refusal)
	return refusal, check(got == stock{3, s.key.App}, "the backend does not know for whom it is called")
}

// askStock calls the API in the name of the user.
func (s *story) askStock(ctx context.Context) (*prism.Response, error) {
	return s.client.WithToken(s.token).Get(ctx, warehouse+"/stock/4711", nil)
}

// refusedAs returns a refusal in words, or err if it is another one.
func refusedAs(err error, code string) (string, error) {
	var refusal *prism.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		return "", fmt.Errorf("the platform did not refuse with %s: %v", code, err)
	}
	return fmt.Sprintf("HTTP %d %s", refusal.Status, refusal.Code), nil
}
