package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/topic"
)

// The calls that provision apps. Existing tools send forms by POST, also to
// list, and read the members of the answers by their names.

const (
	nameBytes    = 256
	textBytes    = 1024 // of a summary or notes
	idBytes      = 64
	maxPatterns  = 100
	patternBytes = 256

	// Each message is compared with all patterns of the app, and each call reads
	// them.
	patternsBytes = 4096
	patternsWords = 400
	topicsBytes   = 2048 // of the topics in the bindings of a new key
)

// createdLayout is RFC 3339 with milliseconds.
const createdLayout = "2006-01-02T15:04:05.000Z07:00"

// An appDoc is an app with the members that existing tools read. Its last members
// have the same value in each app: this platform does not use them.
type appDoc struct {
	ID           string            `json:"Id"`
	GUID         string            `json:"Guid"`
	DomainID     string            `json:"DomainId"`
	Name         string            `json:"Name"`
	Summary      string            `json:"Summary"`
	KeysNum      int               `json:"KeysNum"`
	MaxKeysLimit int               `json:"MaxKeysLimit"`
	CreateTime   string            `json:"CreateTime"`
	Listen       Permission        `json:"NotifyListen"`  // null is every routing key
	Publish      Permission        `json:"NotifyPublish"` // likewise
	MemberID     string            `json:"MemberId"`      // of the member whose key made it
	Meta         map[string]string `json:"Meta"`
	Status       string            `json:"Status"`
	SelfBinding  bool              `json:"SelfBinding"`
	Author       string            `json:"Author"`
	AuthorURL    string            `json:"AuthorUrl"`
	Logo         string            `json:"Logo"`
	APIJSONURL   string            `json:"ApiJsonUrl"`
	AuthGroup    string            `json:"AuthGroup"`
	Email        string            `json:"Email,omitempty"` // of the member whose app it is
	Role         Role              `json:"Role,omitempty"`  // likewise
	Disabled     bool              `json:"Disabled,omitempty"`
}

func (p *Platform) appDoc(app *App, keys int) appDoc {
	return appDoc{
		ID: app.ID, GUID: app.Exchange() + "-" + app.ID, DomainID: app.Exchange(),
		Name: cmp.Or(app.Name, app.ID), Summary: app.Summary,
		KeysNum: keys, MaxKeysLimit: p.cfg.Limits.KeysPerApp,
		CreateTime: app.Created.UTC().Format(createdLayout),
		Listen:     app.Listen, Publish: app.Publish,
		MemberID: app.Member, Meta: map[string]string{}, Email: app.Email, Role: app.Role, Disabled: app.Disabled,
	}
}

func (p *Platform) appCreate(ctx context.Context, c *call) (any, error) {
	app, err := p.newApp(c)
	if err != nil {
		return nil, err
	}
	if err := p.roomForApp(ctx, app.Exchange()); err != nil {
		return nil, err
	}
	if err := p.registry.deleteOrphans(ctx, app.ID, p.deleteAppKey); err != nil {
		return nil, err
	}
	err = ErrConflict
	if !slices.Contains(p.cfg.ReservedApps, app.ID) {
		err = saveRecord(ctx, p.cfg.Store, kindApp, app.ID, app, 0, 0)
	}
	if errors.Is(err, ErrConflict) {
		return nil, &failure{
			status: http.StatusConflict, code: code.AppExists,
			message: fmt.Sprintf("there is an app with the ID %s, or it is reserved; choose another, or none to be given one", app.ID),
		}
	}
	return p.appDoc(app, 0), err
}

func (p *Platform) roomForApp(ctx context.Context, domain string) error {
	apps, err := p.registry.Apps(ctx)
	if err != nil {
		return err
	}
	apps = slices.DeleteFunc(apps, func(app App) bool { return app.Exchange() != domain })
	if limit := p.cfg.Limits.AppsPerDomain; len(apps) >= limit {
		return &failure{
			status: http.StatusForbidden, code: code.TooManyApps,
			message: fmt.Sprintf("this domain has its %d apps; delete one with platform/app/delete", limit),
		}
	}
	return nil
}

func (p *Platform) newApp(c *call) (*App, error) {
	own := c.params()
	app := &App{Domain: c.app.Exchange(), Created: p.cfg.Now().UTC()}
	if !c.key.Admin {
		app.Member = c.app.ID
		if own.Has("publish") || own.Has("listen") {
			return nil, adminOnly("publish and listen are for admin keys: without them the app may do nothing until one allows it")
		}
	}
	var err error
	if app.Name, err = required(own, "name", nameBytes); err != nil {
		return nil, err
	}
	if app.Summary, err = optional(own, "desc", textBytes); err != nil {
		return nil, err
	}
	if app.ID, err = optional(own, "id", idBytes); err != nil {
		return nil, err
	}
	if app.ID, err = app.ownID(); err != nil {
		return nil, err
	}
	if app.Publish, err = c.permission("publish"); err != nil {
		return nil, err
	}
	if app.Listen, err = c.permission("listen"); err != nil {
		return nil, err
	}
	switch {
	case !isID(app.ID):
		return nil, badRequest(code.InvalidParameter, "id must be of letters, digits, - and _")
	case !isText(app.Name) || !isText(app.Summary):
		return nil, badRequest(code.InvalidParameter, "name and desc must be UTF-8 without control characters other than line breaks")
	}
	return app, nil
}

// ownID returns the ID for a new app for which app.ID was requested. In another
// domain than default the ID gets a mark of the domain, and an ID of the domain
// default cannot have such a mark. So a domain neither learns from a refusal which
// IDs another one has, nor takes an ID that another one wants.
func (a *App) ownID() (string, error) {
	switch {
	case a.ID == "":
		return randomText(appIDLength), nil
	case a.Exchange() != defaultDomain:
		return a.ID + "-" + digest(a.Exchange())[:markLength], nil
	case domainMark.MatchString(a.ID):
		return "", badRequest(code.InvalidParameter, "id must not end in - and 8 hexadecimal digits: those are of the other domains")
	}
	return a.ID, nil
}

const markLength = 8

var domainMark = regexp.MustCompile(`-[0-9a-f]{8}$`)

func (p *Platform) appInfo(ctx context.Context, c *call) (any, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	count, err := p.countKeys(ctx)
	return p.appDoc(app, count[app.ID]), err
}

func (p *Platform) appList(ctx context.Context, c *call) (any, error) {
	apps, err := p.registry.Apps(ctx)
	if err != nil {
		return nil, err
	}
	count, err := p.countKeys(ctx)
	if err != nil {
		return nil, err
	}
	docs := []appDoc{}
	for _, app := range apps {
		if c.provisions(&app) {
			docs = append(docs, p.appDoc(&app, count[app.ID]))
		}
	}
	return docs, nil
}

// countKeys returns how many keys each app has.
func (p *Platform) countKeys(ctx context.Context) (map[string]int, error) {
	keys, err := p.registry.Keys(ctx)
	count := make(map[string]int)
	for _, key := range keys {
		count[key.App]++
	}
	return count, err
}

// appDelete refuses to delete the caller's own app: no key might be left that can
// make another.
func (p *Platform) appDelete(ctx context.Context, c *call) (any, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	if app.ID == c.app.ID {
		return nil, ownRefused("this app has the key that makes the call; it cannot be deleted with it")
	}
	if err := p.mayDelete(ctx, c, app); err != nil {
		return nil, err
	}
	if err := p.registry.deleteApp(ctx, app.ID, p.deleteAppKey); err != nil {
		return nil, err
	}
	p.keyStates.appChanged(ctx, app.ID)
	return true, nil
}

// mayDelete returns an error for an app with an admin key that the caller may not touch.
func (p *Platform) mayDelete(ctx context.Context, c *call, app *App) error {
	if c.mayTouchAdminKeys() {
		return nil
	}
	keys, err := p.registry.keysOf(ctx, app.ID)
	if err == nil && slices.ContainsFunc(keys, func(key Key) bool { return key.Admin }) {
		err = adminOnly("this app has a key that administers the domain, which is for operators")
	}
	return err
}

func (p *Platform) allowPublish(ctx context.Context, c *call) (any, error) {
	_, err := p.allow(ctx, c, func(app *App, patterns []string) { app.Publish = patterns })
	return true, err
}

// allowListen returns when the engine routes by the change.
func (p *Platform) allowListen(ctx context.Context, c *call) (any, error) {
	app, err := p.allow(ctx, c, func(app *App, patterns []string) { app.Listen = patterns })
	if err != nil {
		return nil, err
	}
	return true, p.declareApp(ctx, app.ID)
}

// allow changes what the keys of an app may do.
func (p *Platform) allow(ctx context.Context, c *call, set func(*App, []string)) (*App, error) {
	app, err := p.namedApp(ctx, c)
	if err != nil {
		return nil, err
	}
	patterns, ok, err := c.patterns("routing_key")
	if !ok {
		err = missing("routing_key")
	}
	if err != nil {
		return nil, err
	}
	_, err = p.registry.UpdateApp(ctx, app.ID, func(app *App) error {
		if !c.provisions(app) { // it was deleted, and made again by somebody else
			return ErrUnknownApp
		}
		set(app, patterns)
		return nil
	})
	if errors.Is(err, ErrUnknownApp) {
		return nil, unknownApp()
	}
	if err != nil {
		return nil, err
	}
	p.keyStates.appChanged(ctx, app.ID)
	return app, nil
}

// patterns reads a parameter with patterns; ok is false if it was not sent.
func (c *call) patterns(name string) (patterns []string, ok bool, err error) {
	own := c.params()
	if !own.Has(name) {
		return nil, false, nil
	}
	text, err := once(own, name)
	if err != nil {
		return nil, true, err
	}
	if patterns, err = parsePatterns(text); err != nil {
		err = badRequest(code.InvalidParameter, name+": "+err.Error())
	}
	return patterns, true, err
}

// permission reads a parameter of this name that says what a new app may do. An app may do
// nothing until an admin key says so.
func (c *call) permission(name string) (Permission, error) {
	patterns, ok, err := c.patterns(name)
	if !ok {
		return Nothing(), err
	}
	return patterns, err
}

// parsePatterns reads a JSON array of patterns, or one pattern as plain text.
func parsePatterns(text string) ([]string, error) {
	patterns := []string{text}
	if strings.HasPrefix(text, "[") {
		patterns = []string{}
		if json.Unmarshal([]byte(text), &patterns) != nil {
			return nil, errors.New("what begins as a JSON array is none of texts")
		}
	}
	return patterns, checkPatterns(patterns)
}

func checkPatterns(patterns []string) error {
	if len(patterns) > maxPatterns {
		return fmt.Errorf("there are %d patterns; at most %d are allowed", len(patterns), maxPatterns)
	}
	bytes, words := 0, 0
	for _, pattern := range patterns {
		if err := checkPattern(pattern); err != nil {
			return err
		}
		bytes += len(pattern)
		words += len(topic.Words(pattern))
	}
	if bytes > patternsBytes || words > patternsWords {
		return fmt.Errorf("the patterns have %d bytes and %d words together; at most %d and %d are allowed", bytes, words, patternsBytes, patternsWords)
	}
	return nil
}

// checkPattern also refuses a wildcard within a word, which would be an ordinary
// character, and a quote, which comes from JSON: both can only be mistakes.
func checkPattern(pattern string) error {
	switch {
	case pattern == "":
		return errors.New("a pattern is empty; # is for every routing key, and [] for none")
	case len(pattern) > patternBytes:
		return fmt.Errorf("a pattern has %d bytes; at most %d are allowed", len(pattern), patternBytes)
	case !utf8.ValidString(pattern) || strings.ContainsFunc(pattern, isOdd):
		return fmt.Errorf("the pattern %q has a space, a quote, or what is no UTF-8 text", shorten(pattern, 48))
	}
	if topic.MixedWord(pattern) != "" {
		return fmt.Errorf("the pattern %q has a wildcard within a word; * and # stand alone between dots", shorten(pattern, 48))
	}
	return nil
}

func isOdd(r rune) bool {
	return r == '"' || r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

// namedApp returns the app that a call is about. The tail names it, or else app_id.
// For an app that the caller does not provision, such as one of another domain, the error
// is the same as if there were none.
func (p *Platform) namedApp(ctx context.Context, c *call) (*App, error) {
	id, err := c.names("app_id")
	if err != nil {
		return nil, err
	}
	app, err := p.registry.App(ctx, id)
	if errors.Is(err, ErrUnknownApp) || err == nil && !c.provisions(&app) {
		return nil, unknownApp()
	}
	return &app, err
}

// provisions reports whether the caller provisions an app: an admin key those of its
// domain, and a member those that it has made.
func (c *call) provisions(app *App) bool {
	return app.Exchange() == c.app.Exchange() && (c.key.Admin || app.Member == c.app.ID)
}

// names returns the tail of the call, or else a required parameter: existing tools
// send both.
func (c *call) names(param string) (string, error) {
	if c.tail != "" {
		return c.tail, nil
	}
	return required(c.params(), param, idBytes)
}

// isID reports whether an app may have this ID, which stands in paths.
func isID(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	})
}

// isText reports whether JSON keeps text as it is, and a terminal can show it.
func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && !slices.Contains([]rune{'\n', '\r', '\t'}, r)
	})
}

func unknownApp() *failure {
	return &failure{status: http.StatusNotFound, code: code.UnknownApp, message: "this domain has no app with this ID; platform/app/list names them"}
}

func ownRefused(message string) *failure {
	return &failure{status: http.StatusConflict, code: code.InUse, message: message}
}
