package main

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/examine"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/sign"
)

// signRequests is what explain and verify take.
type signRequests struct {
	identity
	Request []string `is:"bytes" arg:"" optional:"" name:"request" help:"A URL, a command of curl, the bytes of a request, or JSON; the name of a file with one of these or a HAR; - for standard input."`
}

type signExplainCmd struct{ signRequests }

// Help teaches by example.
func (*signExplainCmd) Help() string {
	return `Says whether a request is signed right, with the secret of PRISM_SECRET or --secret-file. If not, it says what the client does otherwise than the rule, in which of the seven parts of the string to sign, and what to do. It sends nothing. docs/signing.md has the names of all causes.

    prismctl sign explain 'http://127.0.0.1:8080/api/platform/notify/status?client_id=k&sign_method=md5&sign_time=1400568648&sign=...'
    prismctl sign explain curl -d data=hello 'http://127.0.0.1:8080/api/platform/notify/write?client_id=k&sign=...'
    prismctl sign explain browser.har
    pbpaste | prismctl sign explain -

For programs, --output json - reads JSON objects, one a line, and writes one a line. "causes" is empty for a right request, and most likely first.

    $ prismctl sign explain --output json - < requests.jsonl
    {"method":"GET","url":"http://127.0.0.1:8080/api/x?client_id=k&...","headers":{},"body":""}
    {"valid":false,"causes":["unsorted"],"text":"..."}`
}

type signVerifyCmd struct{ signRequests }

// Help teaches by example.
func (*signVerifyCmd) Help() string {
	return `Says in one line whether a request is signed right. The exit status is 0 if it is and 1 if not; of several requests, all have to be right.

    prismctl sign verify 'http://127.0.0.1:8080/api/platform/notify/status?client_id=k&sign_method=md5&sign_time=1400568648&sign=...'
    prismctl sign verify browser.har`
}

// Run explains.
func (c *signExplainCmd) Run(ctx context.Context, t *tool) error {
	e, err := c.examiner(ctx, t)
	if err != nil {
		return err
	}
	if t.Output == asJSON && len(c.Request) == 1 && c.Request[0] == "-" {
		return explainLines(ctx, t, e)
	}
	return e.Each(ctx, c.Request, func(x examine.Result) error {
		if t.Output == asJSON {
			return t.printJSON(newExplanation(x.Diagnosis))
		}
		return t.write([]byte(explained(x)))
	})
}

// Run verifies.
func (c *signVerifyCmd) Run(ctx context.Context, t *tool) error {
	e, err := c.examiner(ctx, t)
	if err != nil {
		return err
	}
	e.Options.Limit = 1
	wrong := 0
	err = e.Each(ctx, c.Request, func(x examine.Result) error {
		if !x.Diagnosis.Valid {
			wrong++
		}
		if t.Output == asJSON {
			return t.printJSON(x.Diagnosis.Valid)
		}
		return t.println("%s", verdict(x))
	})
	if err == nil && wrong > 0 {
		err = exit.With(exit.Refused, errors.New("not right: \"prismctl sign explain\" says why"))
	}
	return err
}

// examiner takes the key, if one is named, and the secret.
func (c *signRequests) examiner(ctx context.Context, t *tool) (*examine.Examiner, error) {
	if len(c.Request) == 0 {
		return nil, exit.Usagef("there is no request: give a URL, a command of curl, a file, or - for standard input")
	}
	s := server{identity: c.identity}
	to, err := s.destination(t)
	if err != nil {
		return nil, err
	}
	key, err := secrets.Visible("PRISM_KEY (or --key)", to.key.value)
	if err != nil {
		return nil, err
	}
	secret, err := s.secretFor(ctx, t, to)
	if err != nil {
		return nil, err
	}
	return &examine.Examiner{Secret: secret, Options: sign.Options{Key: key, Now: time.Now()}, In: t.in}, nil
}
