package oauth

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// The platform's clock is two days ahead of the local one.
var (
	localTime    = time.Date(2026, 3, 1, 12, 0, 0, 123, time.Local)
	platformTime = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
)

func TestEndOfATokenIsReadInEveryForm(t *testing.T) {
	unix := platformTime.Unix()
	const never = time.Duration(math.MinInt64)
	for raw, want := range map[string]time.Duration{
		fmt.Sprint(unix + 3600):             time.Hour,
		fmt.Sprintf(`"%d"`, unix+3600):      time.Hour,
		fmt.Sprintf(`%d.75`, unix+3600):     time.Hour,
		fmt.Sprintf(`"%d.0"`, unix+3600):    time.Hour,
		fmt.Sprintf(`%.12e`, float64(unix)): 0,
		fmt.Sprint(unix - 60):               -time.Minute, // over, and known to be
		"3600":                              time.Hour,
		`"3600"`:                            time.Hour,
		"3600.5":                            time.Hour,
		"3.6e3":                             time.Hour,
		"1":                                 time.Second,
		"315359999":                         315359999 * time.Second, // just below ten years
		"315360000":                         (315360000 - time.Duration(unix)) * time.Second,
		"":                                  never,
		"null":                              never,
		"0":                                 never,
		`"0"`:                               never,
		`""`:                                never,
		`" "`:                               never,
		"-1":                                never,
		`"never"`:                           never,
		`"NaN"`:                             never,
		`"Inf"`:                             never,
		"1e999":                             never,
		"true":                              never,
		"{}":                                never,
		"[3600]":                            never,
		fmt.Sprint((unix + 3600) * 1000):    never, // milliseconds are no year that is worth knowing
		fmt.Sprint(uint64(math.MaxUint64)):  never,
	} {
		t.Run(raw, func(t *testing.T) {
			got := expiryOf(json.RawMessage(raw), platformTime, localTime)
			switch {
			case want == never && !got.IsZero():
				t.Errorf("ends at %v, which nobody knows", got)
			case want != never && !got.Equal(localTime.Add(want)):
				t.Errorf("ends %v from now, want %v", got.Sub(localTime), want)
			}
		})
	}
}

func TestTokenAnswerIsReadInEveryForm(t *testing.T) {
	for name, row := range map[string]struct {
		body    string
		want    Token
		id, who string
	}{
		"as documented": {
			body: `{"access_token":"a","refresh_token":"r","session_id":"s","expires_in":1772542800,"refresh_expires":1775134800,"data":{"@id":"42","login":"joe","shop":{"n":9007199254740993}}}`,
			want: Token{AccessToken: "a", RefreshToken: "r", SessionID: "s", Expiry: localTime.Add(time.Hour), RefreshExpiry: localTime.Add(30*24*time.Hour + time.Hour)},
			id:   "42", who: "joe",
		},
		"numbers as ids":       {body: `{"access_token":"a","session_id":7,"data":{"@id":9007199254740993}}`, want: Token{AccessToken: "a", SessionID: "7"}, id: "9007199254740993"},
		"only a token":         {body: `{"access_token":"a"}`, want: Token{AccessToken: "a"}},
		"null everywhere":      {body: `{"access_token":"a","refresh_token":null,"session_id":null,"expires_in":null,"data":null,"error":null}`, want: Token{AccessToken: "a"}},
		"PHP's empty object":   {body: `{"access_token":"a","data":[]}`, want: Token{AccessToken: "a"}},
		"members of no use":    {body: `{"access_token":"a","refresh_token":{},"session_id":[1],"expires_in":{},"data":"joe"}`, want: Token{AccessToken: "a"}},
		"an id of another use": {body: `{"access_token":"a","data":{"@id":{"x":1},"login":false}}`, want: Token{AccessToken: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeToken([]byte(row.body), platformTime, localTime)
			if err != nil {
				t.Fatal(err)
			}
			if got.AccessToken != row.want.AccessToken || got.RefreshToken != row.want.RefreshToken || got.SessionID != row.want.SessionID ||
				!got.Expiry.Equal(row.want.Expiry) || !got.RefreshExpiry.Equal(row.want.RefreshExpiry) || !got.Issued.Equal(localTime) {
				t.Errorf("got %+v", *got)
			}
			if user := got.User(); user.ID != row.id || user.Login != row.who {
				t.Errorf("the user is %+v", user)
			}
		})
	}
}

func TestAnswerWithoutATokenIsRefusedAndNotQuoted(t *testing.T) {
	for _, body := range []string{
		``, `null`, `true`, `[]`, `"hush-hush"`, `{}`, `{"access_token":""}`, `{"access_token":null}`, `{"access_token":["hush-hush"]}`,
		`{"token":"hush-hush"}`, `{"access_token":"hush-hush"`, `{"access_token":"hush-hush"} x`, `<html>hush-hush</html>`, `access_token=hush-hush`,
	} {
		got, err := decodeToken([]byte(body), platformTime, localTime)
		if err == nil {
			t.Errorf("%s: got %+v", body, got)
			continue
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error quotes the answer: %v", body, err)
		}
	}
}

// Whatever the answer is: it is refused, or a token that can be kept, whose
// life is the same whatever the local clock shows.
func FuzzTokenAnswer(f *testing.F) {
	f.Add(`{"access_token":"a","refresh_token":"r","session_id":"s","expires_in":1772542800,"refresh_expires":"1775134800","data":{"@id":"42","login":"joe"}}`, int64(1772539200), int64(0))
	f.Add(`{"access_token":"a","expires_in":3600,"refresh_expires":1e300,"data":{"@id":1e400}}`, int64(0), int64(1<<33))
	f.Add(`{"access_token":7,"expires_in":"-3600.5","data":{"":null}}`, int64(-62135596800), int64(-1<<33))
	f.Add(`{"access_token":"\ud800","expires_in":"NaN","data":[]}`, int64(253402300799), int64(1))
	f.Fuzz(func(t *testing.T, body string, date, local int64) {
		// What http.ParseTime and a clock can give.
		at, began := time.Unix(bounded(date, 0, 9999), 0), time.Unix(bounded(local, 1800, 2200), 0)
		got, err := decodeToken([]byte(body), at, began)
		if err != nil {
			if got != nil || !strings.HasPrefix(err.Error(), "oauth: ") {
				t.Fatalf("got %v and %v", got, err)
			}
			return
		}
		if got.AccessToken == "" {
			t.Fatal("a token without an access token")
		}
		checkEnd(t, got.Expiry, began)
		checkEnd(t, got.RefreshExpiry, began)
		checkKept(t, got)
		other, err := decodeToken([]byte(body), at, began.Add(50*time.Hour))
		if err != nil || other.Expiry.IsZero() != got.Expiry.IsZero() ||
			!got.Expiry.IsZero() && other.Expiry.Sub(other.Issued) != got.Expiry.Sub(got.Issued) {
			t.Fatalf("by another local clock it is %v, not %v (%v)", other, got, err)
		}
	})
}

func bounded(unix int64, from, to int) int64 {
	least, most := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	return min(max(unix, least), most)
}

func checkEnd(t *testing.T, end, began time.Time) {
	if life := end.Sub(began); !end.IsZero() && (life > longestLife || life < -longestLife) {
		t.Fatalf("ends %v from now", life)
	}
}

func checkKept(t *testing.T, token *Token) {
	kept, err := json.Marshal(token)
	if err != nil {
		t.Fatalf("cannot be kept: %v", err)
	}
	var again Token
	if err := json.Unmarshal(kept, &again); err != nil {
		t.Fatalf("%s cannot be read again: %v", kept, err)
	}
	if twice, _ := json.Marshal(again); string(twice) != string(kept) || again.AccessToken != token.AccessToken || !again.Expiry.Equal(token.Expiry) {
		t.Fatalf("kept as %s, read as %s", kept, twice)
	}
}
