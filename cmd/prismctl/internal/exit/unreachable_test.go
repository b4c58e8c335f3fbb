package exit

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestWhatWasWrongIsSaid(t *testing.T) {
	for want, err := range map[string]error{
		"Its certificate is for another name": x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"},
		"Its certificate has expired":         x509.CertificateInvalidError{Reason: x509.Expired},
		"There is no host of that name":       &net.DNSError{Name: "x", IsNotFound: true},
		"Is it running":                       errors.New("EOF"),
	} {
		got := CannotReach("https://x/api", fmt.Errorf("GET a: %w", err))
		if !strings.Contains(got.Error(), "\n"+want) || Of(got) != Unreachable {
			t.Errorf("%v: %v", err, got)
		}
	}
}
