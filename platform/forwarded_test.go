package platform

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

var proxies = &Platform{cfg: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:f::/48")}}}

func TestTheCallerIsTheFirstAddressThatNoTrustedProxyHas(t *testing.T) {
	for _, row := range []struct {
		name   string
		header http.Header
		want   hop
	}{
		{"nothing said", http.Header{}, hop{addr: netip.MustParseAddr("10.0.0.1")}},
		{"one proxy", http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"prism.example"}},
			hop{netip.MustParseAddr("192.0.2.7"), "https", "prism.example"}},
		{"what the caller wrote itself is left of it", http.Header{"X-Forwarded-For": {"127.0.0.1, 10.0.0.9, 192.0.2.7"}}, hop{addr: netip.MustParseAddr("192.0.2.7")}},
		{"in a line of its own", http.Header{"X-Forwarded-For": {"198.51.100.1", "192.0.2.7"}}, hop{addr: netip.MustParseAddr("192.0.2.7")}},
		{"two proxies", http.Header{"X-Forwarded-For": {"127.0.0.1, 192.0.2.7, 10.0.0.2"}, "X-Forwarded-Proto": {"ftp, https, http"}},
			hop{addr: netip.MustParseAddr("192.0.2.7"), proto: "https"}},
		{"the inner one passes the scheme on", http.Header{"X-Forwarded-For": {"192.0.2.7, 10.0.0.2"}, "X-Forwarded-Proto": {"https"}},
			hop{addr: netip.MustParseAddr("192.0.2.7"), proto: "https"}},
		{"only the scheme", http.Header{"X-Forwarded-Proto": {"https"}}, hop{addr: netip.MustParseAddr("10.0.0.1"), proto: "https"}},
		{"nobody knows", http.Header{"X-Forwarded-For": {"192.0.2.7, unknown"}}, hop{addr: netip.MustParseAddr("10.0.0.1")}},
		{"with ports", http.Header{"X-Forwarded-For": {"192.0.2.7:4711"}}, hop{addr: netip.MustParseAddr("192.0.2.7")}},
		{"an IPv4 address in IPv6", http.Header{"X-Forwarded-For": {"192.0.2.7, ::ffff:10.0.0.2"}}, hop{addr: netip.MustParseAddr("192.0.2.7")}},
		{"RFC 7239", http.Header{"Forwarded": {`for=127.0.0.1, for="[2001:db8::7]:4711";proto=https;host="prism.example;,\"", For=10.0.0.2;by=10.0.0.1`}},
			hop{netip.MustParseAddr("2001:db8::7"), "https", `prism.example;,"`}},
		{"RFC 7239 with a hidden caller", http.Header{"Forwarded": {"for=_gazonk, for=10.0.0.2"}}, hop{addr: netip.MustParseAddr("10.0.0.2")}},
		{"both kinds say the same", http.Header{"Forwarded": {"for=192.0.2.7;proto=https"}, "X-Forwarded-For": {"192.0.2.7"}}, hop{addr: netip.MustParseAddr("192.0.2.7")}},
	} {
		got, err := forwarded(row.header, netip.MustParseAddr("10.0.0.1"), proxies.trusts)
		if err != nil || got != row.want {
			t.Errorf("%s: got %+v, %v; want %+v", row.name, got, err, row.want)
		}
	}
}

func TestProxyHeadersThatContradictAreRefused(t *testing.T) {
	for _, header := range []http.Header{
		{"Forwarded": {"for=127.0.0.1"}, "X-Forwarded-For": {"192.0.2.7"}},
		{"Forwarded": {"for=192.0.2.7;proto=https"}, "X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"http"}},
	} {
		if got, err := forwarded(header, netip.MustParseAddr("10.0.0.1"), proxies.trusts); err == nil {
			t.Errorf("%v: taken as %+v", header, got)
		}
	}
}

// What a caller writes itself never counts behind a proxy that adds its
// address, in whichever of the two kinds.
func FuzzForwardedByTheCaller(f *testing.F) {
	f.Add("", "")
	f.Add("127.0.0.1", "https")
	f.Add("127.0.0.1, 10.0.0.9,", `x;for="`)
	f.Add(`for="\`, `,,"`)
	caller := netip.MustParseAddr("192.0.2.7")
	f.Fuzz(func(t *testing.T, wrote, proto string) {
		header := http.Header{"X-Forwarded-For": {wrote + ", 192.0.2.7, 10.0.0.2"}, "X-Forwarded-Proto": {proto}}
		if got, err := forwarded(header, netip.MustParseAddr("10.0.0.1"), proxies.trusts); err != nil || got.addr != caller {
			t.Errorf("X-Forwarded-For %q: got %v, %v", wrote, got.addr, err)
		}
		header = http.Header{"Forwarded": {wrote, "for=192.0.2.7, for=10.0.0.2"}}
		if got, err := forwarded(header, netip.MustParseAddr("10.0.0.1"), proxies.trusts); err != nil || got.addr != caller {
			t.Errorf("Forwarded %q: got %v, %v", wrote, got.addr, err)
		}
		header = http.Header{"X-Forwarded-For": {"192.0.2.7"}, "Forwarded": {wrote}}
		got, err := forwarded(header, netip.MustParseAddr("10.0.0.1"), proxies.trusts)
		if err == nil && got.addr != caller {
			t.Errorf("Forwarded %q beside X-Forwarded-For: got %v", wrote, got.addr)
		}
		for _, part := range splitQuoted(strings.TrimSpace(wrote), ',') {
			parseElement(part)
		}
	})
}
