package platform_test

import (
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

func TestACodeThatIsUsedTwiceEndsItsGrant(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	code, other := e.code(l), e.tokens(l)
	r := e.token(first(), codeParams(code))
	r.want(t, 200, "")
	fresh := e.refreshed(r.tokens.Refresh)
	e.advance(30 * time.Minute) // long after the life of the code
	e.token(first(), codeParams(code)).want(t, 400, "invalid_grant")
	e.dead("after the second use", r.tokens, fresh)
	if !e.good(other.Access) {
		t.Error("another grant of the session ended, too")
	}
	e.token(first(), codeParams(code)).want(t, 400, "invalid_grant")
}

func TestOfTwoUsesOfACodeAtOnceAtMostOneWinsAndNoTokenStays(t *testing.T) {
	const n = 2
	m := &meeting{kind: "code"}
	e := newTokenEnv(t, platform.Config{Store: &hookedStore{Store: twoKeys(), loaded: m.join}})
	code := e.code(e.logIn())
	m.arm(n)
	won, refused := e.atOnce(n, func() reply { return e.token(first(), codeParams(code)) })
	if len(won) != 1 || refused != n-1 {
		t.Fatalf("%d won", len(won))
	}
	e.dead("after both", won[0].tokens)
}

func TestOfManyUsesOfACodeOneWins(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	code := e.code(e.logIn())
	won, _ := e.atOnce(20, func() reply { return e.token(first(), codeParams(code)) })
	if len(won) != 1 {
		t.Fatalf("%d won", len(won))
	}
	e.dead("after all", won[0].tokens)
}

func TestACodeIsBoundToItsRequest(t *testing.T) {
	const verifier, s256 = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // of RFC 7636
	rows := []struct {
		name              string
		challenge, method string
		by                caller
		after             time.Duration
		params            []string
		code              string
	}{
		{"as it was asked for", "", "", first(), 0, nil, ""},
		{"same redirect_uri", "", "", first(), 0, []string{"redirect_uri", callback}, ""},
		{"empty redirect_uri", "", "", first(), 0, []string{"redirect_uri", ""}, ""},
		{"other redirect_uri", "", "", first(), 0, []string{"redirect_uri", callback + "&b"}, "invalid_grant"},
		{"other spelling of redirect_uri", "", "", first(), 0, []string{"redirect_uri", "https://SHOP.example/auth/callback?a=1"}, "invalid_grant"},
		{"other key", "", "", second(), 0, nil, "invalid_grant"},
		{"other key, right redirect_uri", "", "", second(), 0, []string{"redirect_uri", callback}, "invalid_grant"},
		{"in its last second", "", "", first(), time.Minute - 1, nil, ""},
		{"too old", "", "", first(), time.Minute, nil, "invalid_grant"},
		{"S256", s256, "S256", first(), 0, []string{"code_verifier", verifier}, ""},
		{"S256, other verifier", s256, "S256", first(), 0, []string{"code_verifier", verifier + "x"}, "invalid_grant"},
		{"S256, challenge as verifier", s256, "S256", first(), 0, []string{"code_verifier", s256}, "invalid_grant"},
		{"S256, no verifier", s256, "S256", first(), 0, nil, "invalid_grant"},
		{"S256, empty verifier", s256, "S256", first(), 0, []string{"code_verifier", ""}, "invalid_grant"},
		{"S256, other key", s256, "S256", second(), 0, []string{"code_verifier", verifier}, "invalid_grant"},
		{"verifier without challenge", "", "", first(), 0, []string{"code_verifier", verifier}, "invalid_grant"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := newTokenEnv(t, platform.Config{})
			code := e.codeWith(e.logIn(), row.challenge, row.method)
			e.advance(row.after)
			status := 200
			if row.code != "" {
				status = 400
			}
			e.token(row.by, codeParams(code, row.params...)).want(t, status, row.code)
		})
	}
}

func TestAForeignKeyDoesNotUseACodeUp(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	code := e.code(e.logIn())
	e.token(second(), codeParams(code)).want(t, 400, "invalid_grant")
	r := e.token(first(), codeParams(code))
	r.want(t, 200, "")
	e.token(second(), codeParams(code)).want(t, 400, "invalid_grant")
	if !e.good(r.tokens.Access) {
		t.Error("a foreign key ended the grant")
	}
}

func TestNoCodeIsIssuedForASessionThatIsOver(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	e.logOut(l)
	if _, err := e.p.Code(t.Context(), l, testKey, callback, "", ""); err == nil {
		t.Error("a code was issued")
	}
}
