package exit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// CannotReach returns the error of a platform that cannot be reached at url.
func CannotReach(url string, err error) error {
	return With(Unreachable, fmt.Errorf("cannot reach the platform at %s: %s\n%s", url, words.Plain(err), likely(err)))
}

// likely says what was probably wrong, and what to do.
func likely(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	switch {
	case errors.As(err, &unknown):
		return "This machine does not trust who has signed its certificate. Add the certificate of that authority to those of the system; on Linux, SSL_CERT_FILE names a file with it"
	case errors.As(err, &host):
		return "Its certificate is for another name: use that name in PRISM_URL (or --url)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "Its certificate has expired, or is not valid yet: renew it, or check the clock of this machine"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "It speaks no TLS: does PRISM_URL (or --url) need http:// instead of https://?"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "There is no host of that name: check PRISM_URL (or --url)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens there. Is it running? Check PRISM_URL (or --url)"
	}
	return "Is it running, and is the scheme right? Check PRISM_URL (or --url)"
}
