package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/calls"
	"github.com/shopex/prism-go/internal/code"
)

// The calls about what has gone through the gateway, for admin keys, of their domain. The
// last calls are those of this process.

const (
	listedCalls     = 50 // by default
	mostListedCalls = 200
	apiNameBytes    = 256
	// mostPoints bounds an answer with statistics.
	mostPoints = 20_000
	// statsPast is of which time statistics are told by default.
	statsPast = time.Hour
)

// callTable lists the APIs about calls.
func (p *Platform) callTable() map[string]route {
	get := []string{"GET"}
	return map[string]route{
		"platform/calls/list":   {admin: true, lists: true, methods: get, serve: p.callsList},
		"platform/calls/show":   {admin: true, lists: true, methods: get, serve: p.callsShow},
		"platform/calls/replay": {admin: true, changes: true, methods: []string{"POST"}, serve: p.callsReplay},
		"platform/calls/stats":  {admin: true, lists: true, methods: get, serve: p.callsStats},
	}
}

// A callDoc is a call in an answer.
type callDoc struct {
	ID         string  `json:"id"`
	Time       string  `json:"time"` // RFC 3339 with milliseconds
	App        string  `json:"app"`
	Key        string  `json:"key"`
	User       string  `json:"user,omitempty"`
	Service    string  `json:"service"`
	API        string  `json:"api"`
	Method     string  `json:"method"`
	Path       string  `json:"path"`
	Status     int     `json:"status"`
	Code       string  `json:"code,omitempty"`
	Phase      string  `json:"phase,omitempty"`
	TookMS     float64 `json:"took_ms"`
	RemoteAddr string  `json:"remote_addr"`
	Unproved   bool    `json:"unproved,omitempty"` // whoever called has not proved to have the key
	Replays    string  `json:"replays,omitempty"`  // the ID of the call that this one repeats
}

func newCallDoc(r *calls.Record) callDoc {
	path, _, _ := strings.Cut(r.Caller.URL, "?")
	return callDoc{
		ID: r.ID, Time: r.At.UTC().Format(createdLayout), App: r.App, Key: r.Key, User: r.User,
		Service: shorten(r.Service, apiNameBytes), API: shorten(r.API, apiNameBytes), Method: shorten(r.Caller.Method, 32), Path: shorten(path, 1024),
		Status: r.Status, Code: r.Code, Phase: r.Phase, TookMS: inMS(r.Took), RemoteAddr: r.RemoteAddr,
		Unproved: r.Unproved, Replays: r.Replays,
	}
}

func inMS(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// A callsDoc is the answer of platform/calls/list.
type callsDoc struct {
	Calls  []callDoc `json:"calls"`
	Cursor string    `json:"cursor"`          // for after
	Older  string    `json:"older,omitempty"` // for before, if there are older ones
}

// callsList returns the newest calls, or those before a cursor of an earlier answer; or,
// after one, the ones that came since, the oldest first.
func (p *Platform) callsList(_ context.Context, c *call) (any, error) {
	own := c.params()
	filter, err := p.callFilter(c, own)
	if err != nil {
		return nil, err
	}
	limit, err := numberParam(own, "limit", listedCalls, mostListedCalls)
	if err != nil {
		return nil, err
	}
	after, err := optional(own, "after", idBytes)
	if err != nil {
		return nil, err
	}
	var found []*calls.Record
	var last uint64
	doc := callsDoc{}
	if after != "" {
		found, last = p.calls.last.After(p.calls.behind(after), filter, int(limit))
	} else if found, last = p.calls.last.Newest(filter, int(limit)+1); len(found) > int(limit) {
		found = found[:limit]
		doc.Older = p.calls.cursor(found[limit-1].Number)
	}
	doc.Calls, doc.Cursor = make([]callDoc, len(found)), p.calls.cursor(last)
	for i, r := range found {
		doc.Calls[i] = newCallDoc(r)
	}
	return doc, nil
}

func (l *callLog) cursor(number uint64) string { return fmt.Sprintf("%s-%d", l.name, number) }

// behind returns the number in a cursor. All calls are behind one of another process or of
// an earlier start.
func (l *callLog) behind(cursor string) uint64 {
	name, number, _ := strings.Cut(cursor, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || name != l.name {
		return 0
	}
	return n
}

func (p *Platform) callFilter(c *call, own url.Values) (f calls.Filter, err error) {
	f.Domain = c.app.Exchange()
	for _, of := range []struct {
		name  string
		limit int
		field *string
	}{{"key", idBytes, &f.Key}, {"app_id", idBytes, &f.App}, {"service", apiNameBytes, &f.Service}, {"api", apiNameBytes, &f.API}, {"replays", idBytes, &f.Replays}, {"text", apiNameBytes, &f.Text}} {
		if *of.field, err = optional(own, of.name, of.limit); err != nil {
			return f, err
		}
	}
	if f.Failed, err = flag(own, "failed"); err != nil {
		return f, err
	}
	before, err := optional(own, "before", idBytes)
	if err != nil {
		return f, err
	}
	f.Before = p.calls.behind(before)
	f.Since, err = timeParam(own, "since", time.Time{})
	return f, err
}

// numberParam reads a number from 1 to most.
func numberParam(own url.Values, name string, otherwise, most int64) (int64, error) {
	text, err := once(own, name)
	if err != nil || text == "" {
		return otherwise, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, badRequest(code.InvalidParameter, fmt.Sprintf("%s is %q; it must be a number from 1 to %d", name, shorten(text, 32), most))
	}
	return n, nil
}

// timeParam reads a time in seconds since 1970.
func timeParam(own url.Values, name string, otherwise time.Time) (time.Time, error) {
	const lastTime = 253402300799 // of the year 9999
	n, err := numberParam(own, name, 0, lastTime)
	if err != nil || n == 0 {
		return otherwise, err
	}
	return time.Unix(n, 0), nil
}

// A shownDoc is a call with both of its sides.
type shownDoc struct {
	callDoc
	DialMS     float64       `json:"dial_ms,omitempty"`
	TLSMS      float64       `json:"tls_ms,omitempty"`
	WaitMS     float64       `json:"wait_ms,omitempty"`
	Sent       int64         `json:"sent"`
	Received   int64         `json:"received"`
	UserAgent  string        `json:"user_agent,omitempty"`
	Message    string        `json:"message,omitempty"`   // of the refusal
	ReplayBy   string        `json:"replay_by,omitempty"` // who has repeated a call so
	Steps      []stepDoc     `json:"steps"`
	Diagnosis  *diagnosisDoc `json:"diagnosis,omitempty"` // of a wrong signature
	Masked     []string      `json:"masked,omitempty"`    // what of the caller's request is masked, but for the proof
	BodyCut    bool          `json:"body_cut,omitempty"`  // the caller's body is not here, or only its beginning
	Replayable bool          `json:"replayable"`          // by platform/calls/replay
	Caller     sideDoc       `json:"caller"`
	Backend    *sideDoc      `json:"backend"` // null if the call was not sent
}

// A sideDoc is a request with its answer.
type sideDoc struct {
	Method       string      `json:"method"`
	URL          string      `json:"url"`
	Header       http.Header `json:"header"`
	Body         bodyDoc     `json:"body"`
	Status       int         `json:"status"`
	AnswerHeader http.Header `json:"answer_header"`
	AnswerBody   bodyDoc     `json:"answer_body"`
}

// A bodyDoc is a text, or an object with the bytes in base64.
type bodyDoc []byte

// MarshalJSON writes what is no text in base64.
func (b bodyDoc) MarshalJSON() ([]byte, error) {
	if utf8.Valid(b) {
		return json.Marshal(string(b))
	}
	return json.Marshal(map[string][]byte{"base64": b})
}

func newSideDoc(s *calls.Side) sideDoc {
	return sideDoc{
		Method: s.Method, URL: s.URL, Header: s.Header, Body: wholeRunes(s.Body),
		Status: s.Status, AnswerHeader: s.AnswerHeader, AnswerBody: wholeRunes(s.AnswerBody),
	}
}

// wholeRunes returns the beginning of a text without the character at which it was cut.
func wholeRunes(text []byte) bodyDoc {
	for n := range min(utf8.UTFMax, len(text)) {
		if utf8.Valid(text[:len(text)-n]) {
			return text[:len(text)-n]
		}
	}
	return text
}

func (p *Platform) callsShow(_ context.Context, c *call) (any, error) {
	id, err := required(c.params(), "id", idBytes)
	if err != nil {
		return nil, err
	}
	r := p.calls.last.Find(c.app.Exchange(), id)
	if r == nil {
		return nil, unknownCall()
	}
	doc := shownDoc{
		callDoc: newCallDoc(r), DialMS: inMS(r.Dial), TLSMS: inMS(r.TLS), WaitMS: inMS(r.Wait),
		Sent: r.Sent, Received: r.Received, UserAgent: r.UserAgent, Caller: newSideDoc(&r.Caller),
		Message: r.Message, ReplayBy: r.ReplayBy, Steps: stepsOf(r), Diagnosis: newDiagnosisDoc(r),
		Masked: masked(r), BodyCut: r.Cut, Replayable: p.replayable(r.Caller.URL) == nil,
	}
	if r.Backend.URL != "" {
		backend := newSideDoc(&r.Backend)
		doc.Backend = &backend
	}
	return doc, nil
}

// A seriesDoc is the statistics of an app, a key or an API.
type seriesDoc struct {
	Name   string     `json:"name"`
	Points []pointDoc `json:"points"`
}

type pointDoc struct {
	Time    int64   `json:"time"` // when it begins
	Calls   int64   `json:"calls"`
	Refused int64   `json:"refused"` // 400 to 499
	Limited int64   `json:"limited"` // over their limit
	Failed  int64   `json:"failed"`  // 500 and more
	P50MS   float64 `json:"p50_ms"`
	P99MS   float64 `json:"p99_ms"`
}

func newPointDoc(p *calls.Point) pointDoc {
	return pointDoc{p.Start.Unix(), p.Calls, p.Refused, p.Limited, p.Failed, inMS(p.P50), inMS(p.P99)}
}

// A statsQuery is of what statistics are asked for.
type statsQuery struct {
	kind     calls.Kind
	sum      bool   // one series of all
	name     string // "" for all
	from, to time.Time
	bucket   string
}

func (p *Platform) statsQuery(own url.Values) (q statsQuery, err error) {
	by, err := once(own, "by")
	if err != nil {
		return q, err
	}
	q.kind = calls.Kind(cmp.Or(by, string(calls.ByAPI)))
	if q.sum = by == "all"; q.sum {
		q.kind = calls.ByAPI
	}
	if !slices.Contains([]calls.Kind{calls.ByApp, calls.ByKey, calls.ByAPI}, q.kind) {
		return q, badRequest(code.InvalidParameter, fmt.Sprintf("by is %q; it must be app, key, api or all", shorten(by, 32)))
	}
	if q.name, err = optional(own, "name", apiNameBytes); err != nil {
		return q, err
	}
	now := p.cfg.Now()
	if q.to, err = timeParam(own, "to", now.Add(time.Second)); err != nil {
		return q, err
	}
	if q.from, err = timeParam(own, "from", q.to.Add(-statsPast)); err != nil {
		return q, err
	}
	if q.bucket, err = once(own, "bucket"); err != nil {
		return q, err
	}
	if !slices.Contains([]string{"", "total", "minute", "hour"}, q.bucket) {
		return q, badRequest(code.InvalidParameter, fmt.Sprintf("bucket is %q; it must be minute, hour or total", shorten(q.bucket, 32)))
	}
	return q, nil
}

// callsStats returns statistics of all processes, as far as they are saved, and of this
// one as they are.
func (p *Platform) callsStats(ctx context.Context, c *call) (any, error) {
	q, err := p.statsQuery(c.params())
	if err != nil {
		return nil, err
	}
	texts, err := p.statsTexts(ctx, func(name calls.Series) bool {
		return name.Domain == c.app.Exchange() && name.Kind == q.kind && (q.name == "" || name.Name == q.name)
	})
	if err != nil {
		return nil, err
	}
	if q.sum {
		texts = map[calls.Series][][]byte{{}: slices.Concat(slices.Collect(maps.Values(texts))...)}
	}
	docs, points := []seriesDoc{}, 0
	for name, of := range texts {
		doc, err := p.seriesDoc(name, of, q)
		if err != nil {
			return nil, err
		}
		if points += len(doc.Points); points > mostPoints {
			return nil, badRequest(code.InvalidParameter, fmt.Sprintf("these are more than %d points: ask for one name, for less time, or for longer buckets", mostPoints))
		}
		if len(doc.Points) > 0 {
			docs = append(docs, doc)
		}
	}
	slices.SortFunc(docs, func(a, b seriesDoc) int { return strings.Compare(a.Name, b.Name) })
	return docs, nil
}

func (p *Platform) seriesDoc(name calls.Series, texts [][]byte, q statsQuery) (doc seriesDoc, err error) {
	step := time.Minute
	if q.bucket == "hour" {
		step = time.Hour
	}
	points, err := calls.Points(texts, q.from, q.to, step, p.cfg.Now())
	if err != nil {
		return doc, err
	}
	if q.bucket != "minute" && q.bucket != "hour" && len(points) > 0 {
		points = []calls.Point{calls.Sum(points)}
	}
	doc = seriesDoc{Name: name.Name, Points: make([]pointDoc, len(points))}
	for i := range points {
		doc.Points[i] = newPointDoc(&points[i])
	}
	return doc, nil
}

// statsTexts returns the statistics of the series that are wanted: those in the store,
// except for what is in memory, which is newer.
func (p *Platform) statsTexts(ctx context.Context, wanted func(calls.Series) bool) (map[calls.Series][][]byte, error) {
	slot, texts := p.calls.saver.ownSlot(), make(map[calls.Series][][]byte)
	records, err := p.cfg.Store.List(ctx, kindCallStats)
	if err != nil {
		return nil, err
	}
	for id, record := range records {
		name, err := calls.SavedName(record.Value)
		if err != nil || !wanted(name) || slot != "" && id == digest(callStatsName(slot, name)) {
			continue
		}
		texts[name] = append(texts[name], record.Value)
	}
	now, stats := p.cfg.Now(), p.calls.stats.Load()
	for _, name := range stats.Names() {
		if wanted(name) {
			texts[name] = append(texts[name], stats.Text(name, now))
		}
	}
	return texts, nil
}
