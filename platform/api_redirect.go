package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/shopex/prism-go/internal/code"
)

// The calls about the redirect addresses of an app. Every call reads the record of its
// app, so the addresses are bounded.
const (
	maxRedirects   = 50
	redirectBytes  = 1024
	redirectsBytes = 8 << 10 // of all together
)

func (p *Platform) redirectList(ctx context.Context, c *call) (any, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	return append([]string{}, app.Redirects...), nil
}

// redirectAdd registers an address; that it is registered already is no error.
func (p *Platform) redirectAdd(ctx context.Context, c *call) (any, error) {
	return p.changeRedirects(ctx, c, func(app *App, uri string) error {
		if !isRedirectURI(uri) {
			return badRequest(code.InvalidParameter, "redirect_uri must be an absolute address such as https://shop.example/callback: "+
				"without a user name, a #fragment or a wildcard, and with every odd character escaped")
		}
		if slices.Contains(app.Redirects, uri) {
			return nil
		}
		app.Redirects = append(app.Redirects, uri)
		bytes := 0
		for _, registered := range app.Redirects {
			bytes += len(registered)
		}
		if len(app.Redirects) > maxRedirects || bytes > redirectsBytes {
			return badRequest(code.TooManyRedirects, fmt.Sprintf("an app may have %d addresses with %d bytes together: remove one", maxRedirects, redirectsBytes))
		}
		return nil
	})
}

// redirectRemove removes an address. A code that was sent to it can no longer be
// exchanged.
func (p *Platform) redirectRemove(ctx context.Context, c *call) (any, error) {
	return p.changeRedirects(ctx, c, func(app *App, uri string) error {
		i := slices.Index(app.Redirects, uri)
		if i < 0 {
			return &failure{status: http.StatusNotFound, code: code.UnknownRedirectURI, message: "this address is not registered for the app: platform/app/redirect/list names those that are"}
		}
		app.Redirects = slices.Delete(app.Redirects, i, i+1)
		return nil
	})
}

func (p *Platform) changeRedirects(ctx context.Context, c *call, change func(app *App, uri string) error) (any, error) {
	named, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	uri, err := required(c.params(), "redirect_uri", redirectBytes)
	if err != nil {
		return nil, err
	}
	_, err = p.registry.UpdateApp(ctx, named.ID, func(app *App) error {
		if !c.provisions(app) { // it was deleted, and made again by somebody else
			return ErrUnknownApp
		}
		return change(app, uri)
	})
	if errors.Is(err, ErrUnknownApp) {
		return nil, unknownApp()
	}
	return err == nil, err
}
