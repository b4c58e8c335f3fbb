package provider

import (
	"errors"
	"net/http"
	"time"

	"github.com/shopex/prism-go/apijson"
)

// RequireUser is the option of a function that is called for a user only: without one the
// caller gets an error, and the platform lets no such call through.
func RequireUser(api *apijson.API) { api.RequireOAuth = true }

// ID is the option that gives a function of Handle this method ID, in the place of one that
// is made of its pattern, such as get_orders_tid.
func ID(id string) Option { return func(api *apijson.API) { api.ID = id } }

// Summary is the option that names a function.
func Summary(text string) Option { return func(api *apijson.API) { api.Summary = text } }

// Limit is the option that lets the platform pass on at most count calls of a key in a time,
// in whole seconds.
func Limit(count int, per time.Duration) Option {
	return func(api *apijson.API) { api.Limit = apijson.Limit{Count: count, Per: per} }
}

// Timeout is the option that says how long the platform waits for the function's answer, in
// whole seconds.
func Timeout(after time.Duration) Option {
	return func(api *apijson.API) { api.Timeout = after }
}

// Service describes the functions of the Provider: what Config.About says, with each
// function as an API and, where About has none, the global parameters of the scheme. It
// returns an error if there are functions of both Handle and Method, since a service has
// paths or method IDs.
func (p *Provider) Service() (*apijson.Service, error) {
	if len(p.paths) > 0 && len(p.methods) > 0 {
		return nil, errors.New("provider: a service has paths or method IDs: make two Providers, one for the functions of Handle and one for those of Method")
	}
	s := p.cfg.About
	s.Mode = apijson.Path
	if len(p.methods) > 0 {
		s.Mode, s.ParamName = apijson.Param, p.cfg.MethodParam
	}
	if len(p.cfg.Secrets) > 0 && len(s.GlobalParams) == 0 && len(s.ConfigValues) == 0 {
		p.describeSignature(&s)
	}
	s.APIs = make([]apijson.API, 0, len(p.order))
	for _, at := range p.order {
		s.APIs = append(s.APIs, at.api)
	}
	return &s, nil
}

// describeSignature asks the platform for the signature that the Provider verifies.
func (p *Provider) describeSignature(s *apijson.Service) {
	where := apijson.Query
	if p.cfg.Scheme != Prism {
		where = apijson.Request
	}
	s.ConfigValues = []apijson.ConfigValue{{Name: secretName(p.cfg.Scheme), Description: "signs the calls", Secret: true}}
	s.GlobalParams = []apijson.GlobalParam{
		{Name: "sign_time", Place: where, ValueType: apijson.Time, Format: "timestamp"},
		{Name: p.cfg.SignParam, Place: where, ValueType: apijson.Sign, Format: string(p.cfg.Scheme)},
	}
}

// ConfigValues returns what the operator of the platform sets for the service, such as the
// secret: nothing if calls are not signed. It is for programs and tests that set it themselves.
func (p *Provider) ConfigValues() map[string]string {
	if len(p.cfg.Secrets) == 0 {
		return nil
	}
	return map[string]string{secretName(p.cfg.Scheme): p.cfg.Secrets[0]}
}

// BasePath returns the path below which the functions of Handle are, "/" if there is none.
func (p *Provider) BasePath() string { return p.cfg.BasePath }

func secretName(scheme Scheme) string {
	if scheme == Prism {
		return "client_secret"
	}
	return "token"
}

// APIJSON returns the api.json of [Provider.Service].
func (p *Provider) APIJSON() ([]byte, error) {
	s, err := p.Service()
	if err != nil {
		return nil, err
	}
	return s.Format(), nil
}

func (p *Provider) serveAPIJSON(w http.ResponseWriter, r *http.Request) {
	text, err := p.APIJSON()
	if err != nil {
		p.cfg.Logger.Error("provider: there is no api.json", "error", err)
		http.Error(w, "there is no api.json: the log says why", http.StatusInternalServerError)
		return
	}
	write(w, http.StatusOK, text)
}
