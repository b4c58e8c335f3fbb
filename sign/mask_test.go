package sign

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	tests := []struct {
		name, secret, text, want string
	}{
		{"both ends", "s3cret", "s3cret&GET&%2Fa&&a%3D1&&s3cret", "***&GET&%2Fa&&a%3D1&&***"},
		{"a secret with an ampersand", "a&b", "a&b&GET&%2Fa&&x%3Da%26b&&a&b", "***&GET&%2Fa&&x%3D***&&***"},
		{"a secret that was sent along", "s3cret", "s3cret&GET&%2Fs3cret&&q%3D1-s3cret&&s3cret", "***&GET&%2F***&&q%3D1-***&&***"},
		{"tokens", "s3cret", "s3cret&POST&%2Fa&Authorization%3DBearer%20t%26X-Api-A%3D1&&access_token%3Dt%26b%3D2%26client_secret%3Dx%26code%3Dy&s3cret",
			"***&POST&%2Fa&Authorization%3D***%26X-Api-A%3D1&&access_token%3D***%26b%3D2%26client_secret%3D***%26code%3D***&***"},
		{"no secret", "", "&GET&%2Fa&&&&", "***&GET&%2Fa&&&&***"},
		{"another secret", "other", "s3cret&GET&%2Fa&&&&s3cret", "***"},
		{"not a string to sign", "s3cret", "s3cret", "***"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Mask(tt.text, tt.secret); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func FuzzMaskHidesTheSecret(f *testing.F) {
	f.Add("/a", "b", "c")
	f.Add("/"+secret, secret, secret+secret)
	f.Add("&"+secret, secret+"=", "%26"+secret)
	f.Fuzz(func(t *testing.T, path, name, value string) {
		r := Request{Method: "GET", Path: path, Header: http.Header{"Authorization": {value}}, Query: url.Values{name: {value}}}
		if masked := Mask(StringToSign(secret, r), secret); strings.Contains(masked, secret) {
			t.Errorf("the secret shows in %s", masked)
		}
	})
}
