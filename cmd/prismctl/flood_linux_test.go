package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/sign"
)

// A flood is what a peer does to make the platform hold more of something than
// docs/operations.md says.
type flood struct {
	row  string   // what it is of, as the first column says
	with string   // where a row has several
	args []string // of serve; they make the bound small

	bound float64 // MiB of the row that the platform may hold
	pours float64 // MiB that it would hold without the bound; 0 where what is refused is counted alone

	stuck bool           // nobody reads the log
	ready func(*flooded) // if any, makes what DIR begins with
	pour  func(*flooded)
}

func floods() []flood {
	return slices.Concat(messageFloods(), channelFloods(), formFloods(), connFloods(), callFloods(), busFloods())
}

// perMiB is how much memory a MiB that is in use may take. The collector lets as much
// again become garbage, and the race detector keeps two and a half bytes of its own
// beside each that is in use or was before.
func perMiB() float64 {
	if raceFactor() > 1 {
		return 2 * (1 + 2.5 + 2.5)
	}
	return 2
}

// around is what changes for other reasons: stacks, pools, pages of the program that
// nothing had needed.
func around() float64 {
	if raceFactor() > 1 {
		return 40
	}
	return 19
}

// most is how many MiB the process may grow by.
func (f *flood) most() float64 { return f.bound*perMiB() + around() }

// least is what it would grow by without the bound, with no garbage.
func (f *flood) least() float64 {
	if raceFactor() > 1 {
		return f.pours * (1 + 2.5)
	}
	return f.pours
}

// Each thing that somebody else can make the platform keep, tried at a process of its own.
func TestFloodsTakeNoMoreMemoryThanTheManualSaysAndKeepNobodyOut(t *testing.T) {
	for _, f := range floods() {
		t.Run(strings.TrimSuffix(f.row+": "+f.with, ": "), func(t *testing.T) {
			if f.pours > 0 && f.least() < f.most() {
				t.Errorf("the flood proves nothing: it pours %.0f MiB, and %.0f are allowed", f.least(), f.most())
			}
			args := made(t, f.args)
			if f.ready != nil { // by another process, whose heap has grown of it
				x := serveFlooded(t, f, args)
				f.ready(x)
				x.end()
			}
			x := serveFlooded(t, f, args)
			x.honest()
			before := x.forgetPeak()
			x.flood.pour(x)
			x.honest()
			grown := float64(x.peakMiB() - before)
			t.Logf("%d MiB before, %.0f more at most; %.0f are allowed, and %.0f were poured", before, grown, x.most(), f.pours)
			if grown > x.most() {
				t.Errorf("it grew by %.0f MiB, and may by %.0f", grown, x.most())
			}
			x.end()
		})
	}
}

// notFlooded has the rows without a flood, and the test or the reason in its place.
var notFlooded = map[string]string{
	"The header of a request":                               "TestHeadersThatNeverEndTakeLittleMemoryAndKeepNobodyOut",
	"The name by which a consumer finds its old connection": "64 bytes of each connection of \"Connections that say nothing\", which all have one",
	"Addresses to return to after a login":                  "8 KiB of each app, and an admin key makes apps and addresses: TestOnlyAddressesOfAnAppAreRegistered",
	"The former secret of a key":                            "one of each key, however often it changes",
	"What an app may listen to":                             "an admin key says it, and keys share it: TestALongRoutingKeyIsComparedOnceWithWhatManyQueuesMayListenTo of platform/memory",
	"What is remembered and counted of a key":               "some words of each key that exists: TestLittleIsRememberedOfKeysThatAreGone",
	"The record of what the settings gave":                  "no peer adds to it",
	"What happened to messages":                             "a key cannot add to a full ring: TestAHistoryIsBounded, TestAHistoryKeepsSomeOfAFloodAndCountsTheRest",
	"Services, and their api.json files":                    "an admin key imports them: TestTheFilesOfADomainAreBoundedTogether",
	"What is set of a service":                              "it is a part of one record, and no record has more than 512 KiB",
	"An import that is under way":                           "TestAListThatNeverEndsIsRefused, TestAHostThatHangsHoldsNothing",
	"Bodies of calls to services":                           "TestLongBodiesAreStreamed of internal/gateway measures it",
	"Lines for those who watch (`prismctl tail`)":           "TestASlowWatcherStopsNothingAndLearnsWhatItHasMissed and TestWatchersAreFewOfOneOwnerAndOthersLeaveRoom of internal/activity",
	"Counts of calls for limits":                            "TestAFloodOfNamesTakesTheMemoryOfFew of internal/limit",
	"The last calls to services":                            "TestTheLogTakesNoMoreThanItsBytes of internal/calls",
	"Statistics of calls":                                   "TestAllSeriesInAllMinutesTakeLessThan50MB of internal/calls",
	"Statistics of queues (`prismctl queue stats`)":         "TestAFloodOfQueuesTakesTwelveMegabytes of internal/curves",
	"Series of metrics of services":                         "TestMetricsOfCallsAreBounded of internal/service",
}

func TestEachRowOfTheManualIsFlooded(t *testing.T) {
	_, text, _ := strings.Cut(project(t, "docs/operations.md"), "| --- | --- | --- | --- |\n")
	text, _, _ = strings.Cut(text, "\n\n")
	rows := make(map[string]bool)
	for line := range strings.Lines(text) {
		rows[strings.TrimSpace(strings.Split(line, "|")[1])] = true
	}
	flooded := make(map[string]bool)
	for _, f := range floods() {
		flooded[f.row] = true
	}
	for row := range rows {
		if flooded[row] == (notFlooded[row] != "") {
			t.Errorf("the row %q needs either a flood or a reason", row)
		}
	}
	for row := range flooded {
		if !rows[row] {
			t.Errorf("there is a flood for %q, and no such row", row)
		}
	}
	for row, reason := range notFlooded {
		if !rows[row] {
			t.Errorf("there is a reason for %q, and no such row", row)
		}
		wantsTests(t, reason)
	}
}

// wantsTests looks for the tests that a reason names.
func wantsTests(t *testing.T, reason string) {
	t.Helper()
	for _, name := range regexp.MustCompile(`Test\w+`).FindAllString(reason, -1) {
		found := false
		for _, dir := range []string{".", "internal/service", "../../platform", "../../platform/memory", "../../internal/gateway", "../../internal/limit", "../../internal/calls", "../../internal/curves", "../../internal/activity"} {
			files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
			found = found || slices.ContainsFunc(files, func(file string) bool { return strings.Contains(readAll(t, file), "func "+name+"(") })
		}
		if !found {
			t.Errorf("there is no test %s", name)
		}
	}
}

// The key of a flooded platform, which may administer.
const floodKey, floodSecret = "buwb2lii", "ucr72ygfutspqeuu6s36"

// flooded is a platform in a process of its own with its memory limited.
type flooded struct {
	*process
	*flood
	t *testing.T
	served
	address string // of host and port
	client  *http.Client
	conns   []net.Conn
}

func serveFlooded(t *testing.T, f flood, args []string) *flooded {
	t.Helper()
	// With GOGC garbage, which grows with the speed of the machine, is not taken for
	// what is held.
	env := []string{"GOMEMLIMIT=300MiB", "GOGC=25", "PRISM_KEY=" + floodKey, "PRISM_SECRET=" + floodSecret}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--output", "json"}, args...)
	x := &flooded{process: startTo(t, f.stderr(t), env, args...), flood: &f, t: t}
	if err := json.Unmarshal([]byte(x.line()), &x.served); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(x.URL, "://")
	x.address = strings.TrimSuffix(rest, "/api")
	transport := &http.Transport{MaxIdleConnsPerHost: 64, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	x.client = &http.Client{Transport: transport, Timeout: patience.Of(20 * time.Second)}
	t.Cleanup(transport.CloseIdleConnections)
	return x
}

func (x *flooded) end() {
	x.t.Helper()
	x.client.CloseIdleConnections()
	for _, conn := range x.conns {
		conn.Close()
	}
	x.signal(syscall.SIGTERM)
	x.wants(exitDone)
}

// stderr is a pipe that nobody reads, or nil.
func (f *flood) stderr(t *testing.T) *os.File {
	if !f.stuck {
		return nil
	}
	reader, stuck, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); stuck.Close() })
	return stuck
}

// made puts a directory of the test in the place of DIR, a pipe that nobody reads in
// that of PIPE, and the settings of a certificate in that of TLS.
func made(t *testing.T, args []string) (all []string) {
	t.Helper()
	for _, arg := range args {
		switch arg {
		case "DIR":
			arg = filepath.Join(t.TempDir(), "data")
		case "PIPE":
			arg = filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(arg, 0o600); err != nil {
				t.Fatal(err)
			}
		case "TLS":
			p := newPair(t)
			all = append(all, "--tls-cert", p.cert, "--tls-key")
			arg = p.key
		}
		all = append(all, arg)
	}
	return all
}

// forgetPeak makes the resident memory of now the largest that the process has
// had, and returns it.
func (x *flooded) forgetPeak() int {
	x.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", x.cmd.Process.Pid), []byte("5"), 0); err != nil {
		x.t.Fatal(err)
	}
	return x.peakMiB()
}

// sockets returns how many connections the process has open.
func (x *flooded) sockets() (n int) {
	x.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", x.cmd.Process.Pid)
	files, err := os.ReadDir(dir)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, file := range files {
		if target, err := os.Readlink(filepath.Join(dir, file.Name())); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

// honest is what everybody else wants meanwhile: a call, and a message there and back.
func (x *flooded) honest() {
	x.t.Helper()
	if status, text := x.call("GET", "platform/notify/status", nil); status != http.StatusOK {
		x.t.Fatalf("an honest call was answered with %d: %s", status, text)
	}
}

// signed returns parameters with a signature of the key.
func signed(method, path string, params url.Values, key, secret string) url.Values {
	all := url.Values{"client_id": {key}, "sign_method": {"md5"}, "sign_time": {strconv.FormatInt(time.Now().Unix(), 10)}}
	for name, values := range params {
		all[name] = values
	}
	r := sign.Request{Method: method, Path: path, Query: all}
	if method == "POST" {
		r.Query, r.Form = nil, all
	}
	all.Set("sign", sign.Sign(secret, r))
	return all
}

// call makes a call of the key, and returns the status and the body of its answer.
func (x *flooded) call(method, api string, params url.Values) (int, string) {
	x.t.Helper()
	return x.callAs(floodKey, floodSecret, method, api, params)
}

func (x *flooded) callAs(key, secret, method, api string, params url.Values) (int, string) {
	x.t.Helper()
	path := "/api/" + api
	text := signed(method, path, params, key, secret).Encode()
	if method == "GET" {
		return x.send(x.request(method, path+"?"+text, ""))
	}
	return x.send(x.request(method, path, text))
}

func (x *flooded) request(method, target, form string) *http.Request {
	x.t.Helper()
	req, err := http.NewRequest(method, strings.TrimSuffix(x.URL, "/api")+target, strings.NewReader(form))
	if err != nil {
		x.t.Fatal(err)
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

// send returns status 0 when no answer comes.
func (x *flooded) send(req *http.Request) (int, string) {
	resp, err := x.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body)
	return resp.StatusCode, body.String()
}
