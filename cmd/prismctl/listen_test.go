package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestWrongUseOfListenIsSaidBeforeAnythingIsMade(t *testing.T) {
	srv := prismtest.NewServer(t)
	for args, want := range map[string]string{
		"listen": "give either --forward-to URL or --exec COMMAND",
		"listen --forward-to http://127.0.0.1:1 --exec true":             "give either --forward-to URL or --exec COMMAND",
		"listen --forward-to ftp://127.0.0.1":                            "must begin with http:// or https://",
		"listen --forward-to http://user:s3cret@127.0.0.1":               "must not have a user",
		"listen --forward-to http://169.254.169.254/s3cret":              "is link-local",
		"listen --forward-to http://127.0.0.1:1 --format xml":            "use prism, cloudevents or raw",
		"listen --forward-to http://127.0.0.1:1 -H s3cret":               "write 'Name: value'",
		"listen --exec nix-of-that":                                      "there is no command nix-of-that",
		"listen --exec if":                                               "the shell cannot read the command",
		"listen --exec true --format raw":                                "are for --forward-to",
		"listen --exec true --workers 0":                                 "--workers must be from 1 to 1000",
		"listen --exec true --max-attempts=-1":                           "--max-attempts must not be negative",
		"listen --exec true --timeout 0s":                                "--timeout must be positive",
		"listen --exec true --keep":                                      "--keep is for the queue of --filter",
		"listen mine --exec true --filter order.#":                       "give --keep, or leave the name out",
		"listen --exec true --filter order.# --create":                   "leave --create out",
		"listen --exec true --filter order*":                             "* and # stand alone between dots",
		"listen --exec true --filter=":                                   "--filter is empty",
		"listen --exec true --filter a..b":                               "a word between its dots is empty",
		"listen --forward-to http://127.0.0.1:1/ --secret-file /nowhere": "the secret cannot be read",
	} {
		r := with(srv, strings.Fields(args)...)
		r.want(t, exitUsage, "", want)
		if strings.Contains(r.err, "s3cret") {
			t.Errorf("%s: the error shows it: %s", args, r.err)
		}
	}
	if calls := srv.Calls(); len(calls) != 0 {
		t.Errorf("calls %+v", calls)
	}
}

func TestListenThatCannotBeginHasTheStatusOfItsReason(t *testing.T) {
	srv := prismtest.NewServer(t)
	wrong := of(srv)
	wrong["PRISM_SECRET"] = "another"
	args := []string{"listen", "--forward-to", "http://127.0.0.1:1/"}
	invocation{args: args, env: wrong}.run().want(t, exitRefused, "", "signature")
	gone := of(srv)
	gone["PRISM_URL"] = "http://127.0.0.1:1/api"
	invocation{args: args, env: gone}.run().want(t, exitUnreachable, "", "cannot reach the platform")
}

func TestListenPrintsWhatItDoes(t *testing.T) {
	srv := prismtest.NewServer(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer receiver.Close()
	for format, want := range map[string][]string{
		"json": {`{"state":"listening","queue":"","since":"`, `"routing_key":"order.new","attempt":1,"status":200,"duration_ms":`, `{"state":"ended","queue":"","since":"`, `"delivered":1,"failed":0,"waiting":0,"parked":0}`},
		"text": {"  listening to the default queue\n", "  order.new  ", "  200  ", "  1 delivered, 0 failed, 0 waiting, 0 parked\n"},
	} {
		acks := len(srv.Acks())
		ctx, stop := context.WithCancel(t.Context())
		done := begin(invocation{ctx: ctx, env: of(srv), args: []string{"listen", "--forward-to", receiver.URL, "-H", "Authorization: s3cret", "--output", format, "-v", "debug"}})
		srv.Publish("order.new", "x")
		srv.WaitAcks(acks + 1)
		stop()
		r := <-done
		if r.status != exitDone || strings.Contains(r.out+r.err, "s3cret") {
			t.Errorf("status %d, %s%s", r.status, r.out, r.err)
		}
		rest := r.out
		for _, part := range want {
			_, after, found := strings.Cut(rest, part)
			if !found {
				t.Errorf("%s: no %q in %s", format, part, r.out)
			}
			rest = after
		}
	}
}
