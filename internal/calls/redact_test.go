package calls

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const canary = "Can4ry/\"+key"

func canaries() []string {
	quoted, _ := json.Marshal(canary)
	return []string{canary, url.QueryEscape(canary), url.PathEscape(canary), string(quoted[1 : len(quoted)-1]), "Can4ry", base64.StdEncoding.EncodeToString([]byte(canary))}
}

// side has the body of a request of this media type.
func side(media, body string) Side {
	return Side{Method: "POST", URL: "/api/goods", Header: http.Header{"Content-Type": {media}}, Body: []byte(body)}
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func TestNothingSecretIsShown(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	q, j := url.QueryEscape(canary), quoted(canary)
	for name, s := range map[string]Side{
		"query":                        {URL: "/api/goods?a=1&client_secret=" + q + "&b=2"},
		"signature":                    {URL: "/api/goods?sign=" + q},
		"escaped name":                 {URL: "/api/goods?acc%65ss_token=" + q},
		"user of an address":           {URL: "http://admin:" + q + "@backend.example/x?y=1"},
		"name that the service has":    {URL: "/api?Certi_Ac=" + q},
		"Authorization":                {Header: http.Header{"Authorization": {"Bearer " + canary}}},
		"Cookie":                       {Header: http.Header{"Cookie": {"a=b; c=" + canary}}},
		"Set-Cookie":                   {AnswerHeader: http.Header{"Set-Cookie": {"c=" + canary, "d=" + canary}}},
		"own header":                   {Header: http.Header{"X-Api-Key": {canary}, "X_Auth_Token": {canary}}},
		"Location":                     {AnswerHeader: http.Header{"Location": {"https://shop.example/?access_token=" + q}}},
		"form":                         side(form, "a=1&pass_word="+q+"&b=2"),
		"form that ends within":        side(form, "a=1&password="+q[:12]),
		"form that is not called one":  side("", "a=1&password="+q),
		"JSON in a form":               side(form, "data="+url.QueryEscape(`{"user":{"password":`+j+`}}`)),
		"JSON":                         side("application/json", `{"a":1,"Password":`+j+`,"b":2}`),
		"JSON with spaces":             side("application/json", "{\n \"token\" :\n "+j+" }"),
		"JSON that ends within":        side("application/json", `{"a":1,"secret":"Can4ry`),
		"object":                       side("application/json", `{"access_token":{"value":`+j+`,"x":[`+j+`]},"b":2}`),
		"array":                        side("application/json", `[{"refresh_token":[`+j+`]}]`),
		"JSON in JSON":                 side("application/json", `{"data":`+quoted(`{"password":`+j+`}`)+`}`),
		"address in JSON":              side("application/json", `{"next":`+quoted("https://x.example/?token="+q)+`}`),
		"escaped member":               side("application/json", `{"p\u0061ssword":`+j+`}`),
		"JSON that is not called so":   side("text/plain", `{"client_secret":`+j+`}`),
		"answer":                       {AnswerHeader: http.Header{"Content-Type": {"application/json"}}, AnswerBody: []byte(`{"access_token":` + j + `}`)},
		"XML":                          side("text/xml", "<a><Password type=\"x\">Can4ry</Password><b>1</b></a>"),
		"XML with a namespace":         side("text/xml", "<s:a><w:password>Can4ry"),
		"multipart":                    side("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n"+canary+"\r\n--b--\r\n"),
		"compressed":                   {AnswerHeader: http.Header{"Content-Encoding": {"gzip"}}, AnswerBody: []byte(canary)},
		"value in a query":             {URL: "/api?q=" + url.QueryEscape("x"+configSecret)},
		"value in a path":              {URL: "/api/" + url.PathEscape(configSecret)},
		"value in a body":              side("text/plain", "the key is "+configSecret+"."),
		"value in JSON":                side("application/json", `{"x":`+quoted(configSecret)+`}`),
		"value in a header":            {Header: http.Header{"X-Other": {configSecret}}},
		"value in a form":              side(form, "x="+url.QueryEscape(configSecret)),
		"value in base64 in a header":  {Header: http.Header{"X-Other": {base64.StdEncoding.EncodeToString([]byte(configSecret))}}},
		"member whose quotes are none": side("application/json", `{"password": `+`Can4ry`+`, "b": 1}`),
	} {
		t.Run(name, func(t *testing.T) {
			r := &Record{Domain: "default", ID: "one", At: time.Now(), Caller: s, Backend: s, SecretNames: []string{"certi_ac"}, Secrets: []string{configSecret}}
			l := NewLog(2, 1<<20)
			l.Add(r)
			newest, _ := l.Newest(Filter{}, 10)
			after, _ := l.After(0, Filter{}, 10)
			for _, shown := range []*Record{newest[0], after[0], l.Find("default", "one")} {
				for _, text := range textsOf(shown) {
					for _, secret := range append(canaries(), configSecret, url.QueryEscape(configSecret), quoted(configSecret)) {
						if strings.Contains(text, secret) {
							t.Errorf("%q is shown", text)
						}
					}
				}
			}
		})
	}
}

const configSecret = "c0nf!g secret"

func textsOf(r *Record) []string {
	texts := []string{r.API, r.UserAgent}
	texts = append(texts, r.Secrets...)
	for _, s := range []Side{r.Caller, r.Backend} {
		texts = append(texts, s.URL, string(s.Body), string(s.AnswerBody))
		for _, h := range []http.Header{s.Header, s.AnswerHeader} {
			for name, values := range h {
				texts = append(append(texts, name), values...)
			}
		}
	}
	return texts
}

func TestWhatIsNotSecretIsShownAsItWas(t *testing.T) {
	for _, s := range []Side{
		side("application/json", `{"code":"goods_missing","design":"x","data":{"a":[1,2,{"b":"c=d"}],"price":"1.50"}}`),
		side("application/json", `{"name":"中文","n":null,"s":"a \"quoted\" word"`),
		side("application/x-www-form-urlencoded", "page_no=1&name=%E4%B8%AD&q=a+b&sign_method=md5&sign_time=1&assignment=2"),
		side("text/xml", "<rsp><name>x</name><empty/></rsp>"),
		side("text/html", "<p>a = b & c</p>"),
		side("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"),
		{URL: "/api/goods?page_no=1&sign_time=2", Header: http.Header{"X-Api-Arg": {"client_id=k&product=shop"}}},
	} {
		shown := (&Record{Caller: s}).Shown().Caller
		if string(shown.Body) != string(s.Body) || shown.URL != s.URL || shown.Header.Get("X-Api-Arg") != s.Header.Get("X-Api-Arg") {
			t.Errorf("%s %s\nis shown as\n%s %s", s.URL, s.Body, shown.URL, shown.Body)
		}
	}
}

func TestARecordIsNotChangedByBeingShown(t *testing.T) {
	body := `{"password":"x1"}`
	r := &Record{Caller: side("application/json", body)}
	r.Caller.Header.Set("Cookie", "c")
	shown := r.Shown()
	shown.Caller.Header.Set("Other", "x")
	if string(r.Caller.Body) != body || r.Caller.Header.Get("Cookie") != "c" || r.Caller.Header.Get("Other") != "" {
		t.Errorf("the record became %+v", r.Caller)
	}
}

// However a body looks and wherever it is cut, the value of a secret member that can be
// read from it is not shown.
func FuzzASecretMemberIsNeverShown(f *testing.F) {
	f.Add(`{"a":"`, `"}`, uint8(1))
	f.Add(`[1,{"x":`, `}`, uint8(0))
	f.Add(`"\`, `"`, uint8(2))
	f.Add("<a>", "&b=c", uint8(3))
	f.Fuzz(func(t *testing.T, before, after string, kind uint8) {
		media := []string{"application/json", "", "text/xml", "application/x-www-form-urlencoded"}[kind%4]
		whole := `{"x":` + quoted(before) + `,"password":"Can4ry","y":` + quoted(after) + `}`
		for _, body := range []string{whole, whole + after, before + "\x00" + after} {
			shown := (&Record{Caller: side(media, body)}).Shown().Caller.Body
			if media != "application/x-www-form-urlencoded" && body == whole && strings.Contains(string(shown), `"Can4ry"`) {
				t.Errorf("%q is shown as %q", body, shown)
			}
			if media == "application/json" && json.Valid([]byte(body)) && !json.Valid(shown) {
				t.Errorf("%q is JSON, and shown as %q", body, shown)
			}
		}
	})
}
