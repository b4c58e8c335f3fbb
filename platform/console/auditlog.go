package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shopex/prism-go/platform"
)

// The audit log says what people have changed, or tried to. It is a ring of records in the
// platform's Store, each with as many entries as fit, so that all processes over the Store
// write one log, and no more than auditPages*auditPageBytes is kept: 2 MiB, which is some
// thousands of changes. The oldest go first.
const (
	kindAudit      = "consoleaudit"
	auditPages     = 64
	auditPageBytes = 32 << 10
	// auditTries bounds how often an entry is tried to be written when others write, too.
	auditTries = 100
	// auditTime bounds how long a change that was done waits for its entry.
	auditTime = 2 * time.Second

	auditValueBytes = 2 << 10 // of before and of after
	auditFieldBytes = 200     // of a field, and of a path
	auditEntryBytes = 8 << 10 // of an entry as JSON
	// mostOfMember is how many entries of a member are written in an hour by one process, so
	// that no member pushes out what others have done; the log of the platform has the rest.
	mostOfMember = 100
	// mostRefusedLogins is that for all logins that were refused, which anybody can try; of
	// others there are only the platform's counts.
	mostRefusedLogins = 20
)

// An auditEntry is one change. It has no field of a form but those of auditFields, and of
// other values only what a page has put into before and after.
type auditEntry struct {
	ID     string            `json:"id"` // where it is in the log; empty in the Store
	Time   time.Time         `json:"time"`
	Who    string            `json:"who"`
	Role   platform.Role     `json:"role"`
	Link   bool              `json:"link,omitempty"` // who came by a link
	From   string            `json:"from"`
	Domain string            `json:"domain,omitempty"` // none for what is of no domain, such as users
	Action string            `json:"action"`           // the pattern of the form
	Path   string            `json:"path"`
	Fields map[string]string `json:"fields,omitempty"`
	Before json.RawMessage   `json:"before,omitempty"`
	After  json.RawMessage   `json:"after,omitempty"`
	Result string            `json:"result"` // "done", or the code of the refusal
}

// done is the Result of a change that was made.
const done = "done"

// auditFields are the fields of forms that have no secrets, whatever people type, unless
// they take one field for another.
var auditFields = []string{
	"id", "name", "app", "app_id", "key", "topic", "service", "api", "role", "login", "member", "email", "domain",
	"routing_key", "pattern", "pattern_new", "publish", "listen", "grace", "until", "expires", "workers", "state", "online", "count", "limit", "per",
}

// unaudited are the forms that change nothing but what the person sees.
var unaudited = map[string]bool{"/language": true, "/domain": true}

// errUnfinished is the result of a change that has panicked.
var errUnfinished = errors.New("console: a change was not finished")

// audited does what a form asks for, and writes it into the audit log.
func (r *request) audited(pattern string, do func(*request) error) (err error) {
	if unaudited[pattern] {
		return do(r)
	}
	err = errUnfinished
	defer func() { r.audit(pattern, err) }()
	return do(r)
}

// audit writes an entry. That it cannot be written is logged, and undoes nothing.
func (r *request) audit(pattern string, result error) {
	e := r.c.auditEntry(r.Request, pattern, r.person.Name, codeOf(result))
	e.Role, e.Link, e.Domain = r.person.Role, r.s.Link, cut(r.auditDomain(pattern), auditFieldBytes)
	e.Fields, e.Before, e.After = r.auditFields(), auditValue(r.before), auditValue(r.after)
	if r.isMember() && !r.c.changes.mayAdd(r.person.Name, mostOfMember, e.Time) {
		r.c.unrecorded(e, errTooManyChanges)
		return
	}
	r.c.record(r.Context(), e)
}

func (c *Console) auditEntry(r *http.Request, pattern, who, result string) *auditEntry {
	return &auditEntry{
		Time: c.cfg.Now().UTC(), Who: cut(who, auditFieldBytes), From: callerOf(r).RemoteAddr,
		Action: pattern, Path: cut(strings.TrimPrefix(r.URL.Path, c.base), 2*auditFieldBytes), Result: result,
	}
}

// record writes an entry, also if the browser has gone.
func (c *Console) record(ctx context.Context, e *auditEntry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTime)
	defer cancel()
	if err := c.changes.add(ctx, e); err != nil {
		c.unrecorded(e, err)
	}
}

func (c *Console) unrecorded(e *auditEntry, err error) {
	c.cfg.Logger.Error("the audit log of the console could not be written", slog.String("who", e.Who), slog.String("path", e.Path), slog.String("result", e.Result), slog.Any("error", err))
}

// isMember reports whether the person does what a member may, and not what an admin may.
func (r *request) isMember() bool {
	return r.person.Role == platform.DeveloperRole || r.person.Role == platform.ProviderRole
}

var errTooManyChanges = fmt.Errorf("console: a member has made more than %d changes within an hour", mostOfMember)

// loginRefused writes into the audit log who could not get in. The entry has nothing of the
// form, so 20 an hour take weeks to push out what others have done.
func (c *Console) loginRefused(r *http.Request, who, code string) {
	if c.changes.mayAdd("", mostRefusedLogins, c.cfg.Now()) {
		c.record(r.Context(), c.auditEntry(r, "/login", who, code))
	}
}

// auditDomain returns the domain whose admins see the entry.
func (r *request) auditDomain(pattern string) string {
	all := pattern == "/login" || pattern == "/logout" || pattern == "/users" || strings.HasPrefix(pattern, "/users/")
	if all && r.person.Role == platform.OperatorRole {
		return ""
	}
	return domainOf(r.person)
}

func domainOf(p platform.Person) string {
	app := platform.App{Domain: p.Domain}
	return app.Exchange()
}

func (r *request) auditFields() map[string]string {
	fields := make(map[string]string)
	for _, name := range auditFields {
		if value := r.PostFormValue(name); value != "" {
			fields[name] = cut(value, auditFieldBytes)
		}
	}
	return fields
}

// auditValue returns what a page has put into before or after; of a large one the
// beginning.
func auditValue(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err == nil && len(text) > auditValueBytes {
		text, err = json.Marshal(cut(string(text), auditValueBytes/2))
	}
	if err != nil {
		text, _ = json.Marshal(err.Error())
	}
	return text
}

// codeOf returns what the log says about a result.
func codeOf(result error) string {
	var refused *callError
	switch {
	case result == nil:
		return done
	case errors.As(result, &refused):
		return refused.Code
	case errors.Is(result, errUnfinished):
		return "unfinished"
	}
	return "internal_error"
}

// cut returns at most about n bytes of text.
func cut(text string, n int) string {
	if len(text) > n {
		text = text[:n] + "…"
	}
	return strings.ToValidUTF8(text, "")
}

// An auditPage is a record of the log.
type auditPage struct {
	Number  int          // grows by one with each page
	Entries []auditEntry // the oldest first
}

// An auditLog is what a process knows of the log.
type auditLog struct {
	store platform.Store

	mu     sync.Mutex
	newest int // the number of the page that was the newest one; 0 if that is not known
	known  [auditPages]knownPage
	hour   time.Time      // when counts began
	counts map[string]int // entries since then, by the name of a member; "" has refused logins
}

// mayAdd counts an entry, and reports whether it is among the first so many of the hour.
func (l *auditLog) mayAdd(who string, most int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil || now.Sub(l.hour) >= time.Hour {
		l.hour, l.counts = now, make(map[string]int)
	}
	l.counts[who]++
	return l.counts[who] <= most
}

// A knownPage was decoded when its record had a revision. Its entries are not changed.
type knownPage struct {
	revision uint64
	page     *auditPage
}

// load returns what is in the place of a page: the page, an earlier or later one, or nil.
func (l *auditLog) load(ctx context.Context, number int) (page *auditPage, bytes int, revision uint64, err error) {
	slot := number % auditPages
	record, err := l.store.Load(ctx, kindAudit, strconv.Itoa(slot))
	if errors.Is(err, platform.ErrNoRecord) {
		return nil, 0, 0, nil
	}
	if err != nil {
		return nil, 0, 0, err
	}
	l.mu.Lock()
	known := l.known[slot]
	l.mu.Unlock()
	if known.page == nil || known.revision != record.Revision {
		page := new(auditPage)
		if err := json.Unmarshal(record.Value, page); err != nil {
			return nil, 0, 0, fmt.Errorf("console: page %d of the audit log cannot be read: %w", slot, err)
		}
		known = knownPage{record.Revision, page}
		l.mu.Lock()
		l.known[slot] = known
		l.mu.Unlock()
	}
	return known.page, len(record.Value), record.Revision, nil
}

// last returns the number of the newest page; 1 for a log that is empty.
func (l *auditLog) last(ctx context.Context) (int, error) {
	l.mu.Lock()
	newest := l.newest
	l.mu.Unlock()
	if newest > 0 {
		return l.follow(ctx, newest)
	}
	newest = 1
	for slot := range auditPages {
		page, _, _, err := l.load(ctx, slot)
		if err != nil {
			return 0, err
		}
		if page != nil {
			newest = max(newest, page.Number)
		}
	}
	return newest, nil
}

// follow returns the number of the newest page, which is this one, or one that others have
// begun since.
func (l *auditLog) follow(ctx context.Context, newest int) (int, error) {
	for {
		page, _, _, err := l.load(ctx, newest+1)
		if err != nil || page == nil || page.Number <= newest {
			return newest, err
		}
		newest = page.Number
	}
}

func (l *auditLog) setNewest(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest = max(l.newest, number)
}

// add writes an entry, in the place of the oldest ones if there is no room.
func (l *auditLog) add(ctx context.Context, e *auditEntry) error {
	size, err := json.Marshal(e)
	if err == nil && len(size) > auditEntryBytes { // of characters that JSON escapes
		e.Fields, e.Before, e.After = nil, nil, auditValue("this entry was too large")
		size, err = json.Marshal(e)
	}
	if err != nil {
		return err
	}
	number, err := l.last(ctx)
	for range auditTries {
		if err != nil {
			return err
		}
		page, bytes, revision, err := l.load(ctx, number)
		switch {
		case err != nil:
			return err
		case page == nil || page.Number < number:
			page = &auditPage{Number: number}
		case page.Number > number:
			number = page.Number
			continue
		case bytes+len(size) > auditPageBytes:
			number++
			continue
		}
		next := auditPage{number, append(page.Entries[:len(page.Entries):len(page.Entries)], *e)}
		text, err := json.Marshal(next)
		if err != nil {
			return err
		}
		_, err = l.store.Save(ctx, kindAudit, strconv.Itoa(number%auditPages), text, revision, 0)
		if err == nil {
			l.setNewest(number)
			return nil
		}
		if !errors.Is(err, platform.ErrConflict) {
			return err
		}
	}
	return platform.ErrConflict
}

// each calls show for the entries before one, or for all, the newest first, until it
// returns false.
func (l *auditLog) each(ctx context.Context, before string, show func(*auditEntry) bool) error {
	newest, err := l.last(ctx)
	if err != nil {
		return err
	}
	number, end, ok := parseEntryID(before)
	if !ok || number > newest {
		number, end = newest, auditPageBytes
	}
	for ; number > max(0, newest-auditPages); number-- {
		page, _, _, err := l.load(ctx, number)
		if err != nil {
			return err
		}
		if page == nil || page.Number != number { // it was replaced by a newer one
			end = auditPageBytes
			continue
		}
		for i := min(end, len(page.Entries)) - 1; i >= 0; i-- {
			e := page.Entries[i]
			e.ID = fmt.Sprintf("%d-%d", number, i)
			if !show(&e) {
				return nil
			}
		}
		end = auditPageBytes // all of the next page
	}
	return nil
}

// parseEntryID returns the page of an entry and its index there.
func parseEntryID(id string) (number, index int, ok bool) {
	a, b, _ := strings.Cut(id, "-")
	number, err := strconv.Atoi(a)
	if err != nil {
		return 0, 0, false
	}
	index, err = strconv.Atoi(b)
	return number, index, err == nil && number > 0 && index >= 0
}
