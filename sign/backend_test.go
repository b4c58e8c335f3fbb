package sign

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// backendVectors are signatures that published PHP made or accepts.
type backendVectors struct {
	ECOS, ShopEx []backendVector
	Prism        []vector
	PHPNames     struct {
		Token string
		Cases []struct {
			Name, Form    string
			FlatByPHP     string `json:"flat_by_php"`
			FlatByGateway string `json:"flat_by_gateway"`
			Same          bool
			SignByPHP     string `json:"sign_by_php"`
		}
	} `json:"php_names"`
}

type backendVector struct {
	Name, Token, Sign, AC string
	Params                json.RawMessage
}

// values returns the parameters as a query has them: PHP's null is no parameter, and true
// and false are the texts that a scheme makes of them. ok is false if a value is nested,
// which no query can say.
func (v backendVector) values(t *testing.T, no string) (values url.Values, ok bool) {
	values = url.Values{}
	if string(v.Params) == "[]" {
		return values, true
	}
	var params map[string]any
	if err := json.Unmarshal(v.Params, &params); err != nil {
		t.Fatal(err)
	}
	for name, value := range params {
		switch value := value.(type) {
		case nil:
		case string:
			values.Set(name, value)
		case bool:
			values.Set(name, map[bool]string{true: "1", false: no}[value])
		default:
			return nil, false
		}
	}
	return values, true
}

func readBackendVectors(t *testing.T) (all backendVectors) {
	data, err := os.ReadFile("testdata/backend.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBackendsGetTheSignatureThatTheyVerify(t *testing.T) {
	all := readBackendVectors(t)
	for _, v := range all.ECOS {
		t.Run("ecos/"+v.Name, func(t *testing.T) {
			params, ok := v.values(t, "0")
			if !ok {
				t.Skip("a nested value")
			}
			if got := ECOS(v.Token, params); got != v.Sign {
				t.Errorf("ECOS = %s, want %s", got, v.Sign)
			}
			params.Set("sign", v.Sign)
			if !VerifyECOS(v.Token, params, v.Sign) {
				t.Error("VerifyECOS refuses it beside the signature")
			}
		})
	}
	for _, v := range all.ShopEx {
		t.Run("shopex/"+v.Name, func(t *testing.T) {
			params, ok := v.values(t, "")
			if !ok {
				t.Skip("a nested value")
			}
			if got := ShopEx(v.Token, params); got != strings.ToLower(v.AC) {
				t.Errorf("ShopEx = %s, want %s", got, strings.ToLower(v.AC))
			}
			params.Set("ac", v.AC)
			if !VerifyShopEx(v.Token, params, v.AC) || !VerifyShopEx(v.Token, params, strings.ToLower(v.AC)) {
				t.Error("VerifyShopEx refuses it beside the signature")
			}
		})
	}
	for _, v := range all.Prism {
		t.Run("prism/"+v.Name, func(t *testing.T) {
			if got := Sign(v.Secret, v.request()); got != v.Sign {
				t.Errorf("Sign = %s, want %s", got, v.Sign)
			}
		})
	}
}

// PHP changes some names when it reads them, which no signature over the names as they are
// sent can foresee.
func TestNamesThatPHPKeepsAreSignedLikeInPHP(t *testing.T) {
	names := readBackendVectors(t).PHPNames
	for _, c := range names.Cases {
		t.Run(c.Name, func(t *testing.T) {
			params, err := url.ParseQuery(c.Form)
			if err != nil {
				t.Fatal(err)
			}
			inner := hexMD5([]byte(c.FlatByGateway))
			want := hexMD5(append(inner[:], names.Token...))
			got := ECOS(names.Token, params)
			if got != string(want[:]) {
				t.Errorf("ECOS = %s is not made of %q", got, c.FlatByGateway)
			}
			if (got == c.SignByPHP) != c.Same {
				t.Errorf("PHP agrees: %v, want %v", !c.Same, c.Same)
			}
		})
	}
}

func TestShopExSortsNumbersLikePHP(t *testing.T) {
	params := url.Values{"10": {"ten"}, "9": {"nine"}, "a": {"letter"}, "09": {"also nine"}}
	digits := hexMD5([]byte("also nineninetenlettertoken"))
	if got, want := ShopEx("token", params), strings.ToLower(string(digits[:])); got != want {
		t.Errorf("ShopEx = %s, want %s", got, want)
	}
}

func TestVerifyOfBackendsRefuses(t *testing.T) {
	params := url.Values{"a": {"1"}, "b": {"2"}}
	ecos, shopex := ECOS("token", params), ShopEx("token", params)
	for _, signature := range []string{"", "0", shopex, strings.ToLower(ecos), ecos + "0", ecos[:31], strings.Repeat("0", 32)} {
		if VerifyECOS("token", params, signature) {
			t.Errorf("VerifyECOS accepts %q", signature)
		}
	}
	for _, signature := range []string{"", "0", ecos, shopex + "0", shopex[:31], strings.Repeat("0", 32)} {
		if VerifyShopEx("token", params, signature) {
			t.Errorf("VerifyShopEx accepts %q", signature)
		}
	}
	if VerifyECOS("other", params, ecos) || VerifyShopEx("other", params, shopex) {
		t.Error("another token is accepted")
	}
}

// The gateway signs each call.
func TestSigningForBackendsAllocatesOnlyTheResult(t *testing.T) {
	params := url.Values{"method": {"item.get"}, "item_id": {"2"}, "fields": {"*"}, "10": {"a"}, "9": {"b"}}
	if n := testing.AllocsPerRun(100, func() { ECOS("token", params) }); n > 1 {
		t.Errorf("ECOS allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { ShopEx("token", params) }); n > 1 {
		t.Errorf("ShopEx allocates %v times", n)
	}
	ecos, shopex := ECOS("token", params), ShopEx("token", params)
	if n := testing.AllocsPerRun(100, func() { VerifyECOS("token", params, ecos) }); n > 0 {
		t.Errorf("VerifyECOS allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { VerifyShopEx("token", params, shopex) }); n > 0 {
		t.Errorf("VerifyShopEx allocates %v times", n)
	}
}

// A property of both: order and grouping of the map do not matter, and what is signed
// verifies.
func FuzzBackendSignaturesVerify(f *testing.F) {
	f.Add("a=1&b=2", "token")
	f.Add("10=a&9=b&1e1=c&sign=x&ac=y&a%5Bb%5D=1&a=1&a=2", "")
	f.Fuzz(func(t *testing.T, query, token string) {
		params, _ := url.ParseQuery(query)
		again := url.Values(http.Header(params).Clone())
		if !VerifyECOS(token, again, ECOS(token, params)) {
			t.Error("ECOS does not verify")
		}
		if !VerifyShopEx(token, again, ShopEx(token, params)) {
			t.Error("ShopEx does not verify")
		}
	})
}
