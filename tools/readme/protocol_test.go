package readme

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	prism "github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/sign"
)

const (
	protocol       = "docs/protocol.md"
	protocolSecret = "notarealsecret234567"
)

var (
	// A comment may break the line anywhere.
	chapterNamed = regexp.MustCompile(`protocol[\s/]+chapter[\s/]+(\d+)`)
	chapter      = regexp.MustCompile(`(?m)^## (\d+)\. `)
)

func TestCommentsNameChaptersOfTheProtocolThatExist(t *testing.T) {
	var chapters []string
	for _, m := range chapter.FindAllStringSubmatch(page(t, protocol), -1) {
		chapters = append(chapters, m[1])
	}
	named := 0
	for _, file := range goFiles(t) {
		for _, m := range chapterNamed.FindAllStringSubmatch(page(t, file), -1) {
			if named++; !slices.Contains(chapters, m[1]) {
				t.Errorf("%s names chapter %s; %s has %v", file, m[1], protocol, chapters)
			}
		}
	}
	if named < 20 {
		t.Errorf("only %d comments name a chapter", named)
	}
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// goFiles are those of all modules.
func goFiles(t *testing.T) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// examples are the blocks of the page in one language.
func examples(t *testing.T, language string) (found []string) {
	t.Helper()
	for _, b := range read(t, protocol).blocks {
		if b.language == language {
			found = append(found, b.code)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block of %s", protocol, language)
	}
	return found
}

func TestRequestsOfTheProtocolHaveTheRightSignature(t *testing.T) {
	shown := examples(t, "text")
	explained := 0
	for _, text := range examples(t, "http") {
		req := parseRequest(t, text)
		signed := sign.Request{Method: req.Method, Path: req.URL.Path, Header: req.Header, Query: req.URL.Query(), Form: req.PostForm}
		if want, got := sign.Sign(protocolSecret, signed), req.Form.Get("sign"); got != want {
			t.Errorf("%s %s has the signature %q, want %q", req.Method, req.URL.Path, got, want)
		}
		if slices.Contains(shown, sign.StringToSign(protocolSecret, signed)+"\n") {
			explained++
		}
	}
	if strings := len(shown) - 1; explained != strings { // the first block is the rule
		t.Errorf("%d of %d strings to sign are those of a request", explained, strings)
	}
}

// parseRequest gives the lines of a block the ends that HTTP wants.
func parseRequest(t *testing.T, text string) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	text = strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err == nil {
		err = req.ParseForm()
	}
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if req.ContentLength != int64(len(body)) {
		t.Errorf("%s %s: Content-Length is %d, the body has %d bytes", req.Method, req.URL.Path, req.ContentLength, len(body))
	}
	return req
}

func TestFramesOfTheProtocolMeanWhatItSays(t *testing.T) {
	for _, text := range examples(t, "hex") {
		for line := range strings.Lines(text) {
			digits, want, _ := strings.Cut(strings.TrimSpace(line), "  ")
			frame, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if got := meaning(wire.DecodeCommand(frame, wire.Limits{})); got != want {
				t.Errorf("%s is %s, the page says %s", digits, got, want)
			}
		}
	}
}

func meaning(c wire.Command, err error) string {
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		return "refused, as " + refused.Dialect + " writes it"
	case c.Op == wire.OpPublish:
		return fmt.Sprintf("publish %q %q %q", c.Key, c.Body, c.ContentType)
	case c.Op == wire.OpConsume:
		return fmt.Sprintf("consume %q", c.Topic)
	case c.Op == wire.OpFail:
		return fmt.Sprintf("fail %d %q", c.Tag, c.Reason)
	case c.HasTag:
		return fmt.Sprintf("ack %d", c.Tag)
	}
	return "ack without a tag"
}

func TestDeliveriesOfTheProtocolAreRead(t *testing.T) {
	read := 0
	for _, text := range examples(t, "json") {
		if !json.Valid([]byte(text)) {
			t.Errorf("not JSON: %s", text)
		}
		if !strings.Contains(text, `"tag"`) {
			continue
		}
		read++
		if d, err := wire.DecodeDelivery([]byte(text)); err != nil || d.Key != "order.new" || d.App != "shop" || len(d.Body) == 0 {
			t.Errorf("%s is %+v, %v", text, d, err)
		}
	}
	if read != 3 {
		t.Errorf("%d deliveries, want 3", read)
	}
}

// cell is a column of a table that is all code.
const cell = " `([^`]+)` \\|"

func TestEnvelopesOfTheProtocolAreToldApart(t *testing.T) {
	rows := regexp.MustCompile(`(?m)^\| \S+.* \| [^|]+ \|`+cell+cell+`$`).FindAllStringSubmatch(page(t, protocol), -1)
	rows = slices.DeleteFunc(rows, func(row []string) bool { return !strings.HasPrefix(row[1], "{") })
	if len(rows) != 3 {
		t.Fatalf("%d envelopes, want 3", len(rows))
	}
	for _, row := range rows {
		var got struct{ N int }
		res, err := answerWith(t, row[1])
		if err == nil {
			err = res.Decode(&got)
		}
		if err != nil || got.N != 1 {
			t.Errorf("%s: %+v, %v", row[1], got, err)
		}
		var failure *prism.Error
		if _, err = answerWith(t, row[2]); !errors.As(err, &failure) || failure.Code == "" || failure.Message == "" {
			t.Errorf("%s: %v", row[2], err)
		}
	}
}

// answerWith makes a call that is answered with body and status 200.
func answerWith(t *testing.T, body string) (*prism.Response, error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
	defer srv.Close()
	client, err := prism.New(prism.Config{Server: srv.URL, Key: "shopdemo", Secret: protocolSecret})
	if err != nil {
		t.Fatal(err)
	}
	return client.Get(t.Context(), "any", nil)
}

func TestPatternsOfTheProtocolMatchWhatItSays(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (`(?:order|@system)[^|]*) \\| ([^|]*) \\|$").FindAllStringSubmatch(page(t, protocol), -1)
	if len(rows) != 5 {
		t.Fatalf("%d patterns, want 5", len(rows))
	}
	for _, row := range rows {
		for i, want := range []bool{true, false} {
			for _, key := range strings.Split(row[2+i], ", ") {
				if key = strings.Trim(key, "`"); topic.MatchAny([]string{row[1]}, key) != want {
					t.Errorf("%s matches %s: the page says %v", row[1], key, want)
				}
			}
		}
	}
}
