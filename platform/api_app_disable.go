package platform

import (
	"context"
	"errors"
)

// appDisable refuses whatever the keys of an app do, until it is enabled again. The
// caller's own app cannot be disabled: nobody might be left to enable it.
func (p *Platform) appDisable(ctx context.Context, c *call) (any, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	if app.ID == c.app.ID {
		return nil, ownRefused("this app has the key that makes the call; it cannot be disabled by itself: let an admin key of another app, or an operator in the console, do it")
	}
	if err := p.mayDelete(ctx, c, app); err != nil {
		return nil, err
	}
	return p.setDisabled(ctx, c, app.ID, true)
}

// appEnable takes back what appDisable did.
func (p *Platform) appEnable(ctx context.Context, c *call) (any, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := p.mayDelete(ctx, c, app); err != nil {
		return nil, err
	}
	return p.setDisabled(ctx, c, app.ID, false)
}

func (p *Platform) setDisabled(ctx context.Context, c *call, id string, disabled bool) (any, error) {
	_, err := p.registry.UpdateApp(ctx, id, func(app *App) error {
		if !c.provisions(app) { // it was deleted, and made again by somebody else
			return ErrUnknownApp
		}
		app.Disabled = disabled
		return nil
	})
	if errors.Is(err, ErrUnknownApp) {
		return nil, unknownApp()
	}
	if err != nil {
		return nil, err
	}
	p.keyStates.appChanged(ctx, id)
	if err := p.registry.notePush(ctx); err != nil {
		return nil, err
	}
	p.pushers.wake()
	return true, nil
}
