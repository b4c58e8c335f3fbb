package guard

import (
	"net/netip"
	"strings"
	"testing"
)

func TestWhatIsNoAddressIsRefusedWithoutShowingIt(t *testing.T) {
	for _, address := range []string{
		"", "receiver.example/s3cret", "ftp://receiver.example/s3cret", "http://", "http:///s3cret", "http://%zz/s3cret",
		"https://user:s3cret@receiver.example/", "https://receiver.example/#s3cret", "unix:/s3cret", "//receiver.example/s3cret",
		"http://receiver.example/" + strings.Repeat("s3cret", 1000),
	} {
		u, err := ParseAddress(address)
		if err == nil {
			t.Errorf("ParseAddress(%.40q) = %v, want an error", address, u)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("ParseAddress(%.40q) = %q, which shows the address", address, err)
		}
	}
	for _, address := range []string{"http://receiver.example", "https://receiver.example:8443/hooks/1?token=2", "http://[::1]:80/"} {
		if u, err := ParseAddress(address); err != nil || u.String() != address {
			t.Errorf("ParseAddress(%q) = %v, %v", address, u, err)
		}
	}
}

func TestEveryFormOfAnAddressIsCheckedBySettings(t *testing.T) {
	nothing, everything := Networks{}, Networks{Private: true, Loopback: true}
	for _, tt := range []struct {
		addr                string
		public, whenAllowed bool
	}{
		{"203.0.113.7", true, true},
		{"2606:4700::1111", true, true},
		{"::ffff:203.0.113.7", true, true},
		{"10.1.2.3", false, true},
		{"172.31.0.1", false, true},
		{"192.168.1.1", false, true},
		{"100.64.0.1", false, true},
		{"fd12:3456::1", false, true},
		{"::ffff:10.1.2.3", false, true},
		{"64:ff9b::10.1.2.3", false, true},
		{"127.0.0.1", false, true},
		{"127.255.0.9", false, true},
		{"::1", false, true},
		{"::ffff:127.0.0.1", false, true},
		{"::127.0.0.1", false, true},
		{"2002:7f00:1::", false, true},
		{"169.254.169.254", false, false},
		{"169.254.0.1", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"64:ff9b::169.254.169.254", false, false},
		{"2002:a9fe:a9fe::", false, false},
		{"64:ff9b:1::a9fe:a9fe", false, false},
		{"::169.254.169.254", false, false},
		{"fe80::1", false, false},
		{"fe80::1%eth0", false, false},
		{"fd00:ec2::254", false, false},
		{"100.100.100.200", false, false},
		{"0.0.0.0", false, false},
		{"0.1.2.3", false, false},
		{"::", false, false},
		{"::ffff:0.0.0.0", false, false},
		{"224.0.0.1", false, false},
		{"ff02::1", false, false},
		{"255.255.255.255", false, false},
	} {
		addr := netip.MustParseAddr(tt.addr)
		if err := nothing.Check(addr); (err == nil) != tt.public {
			t.Errorf("with nothing allowed: Check(%s) = %v", tt.addr, err)
		}
		if err := everything.Check(addr); (err == nil) != tt.whenAllowed {
			t.Errorf("with everything allowed: Check(%s) = %v", tt.addr, err)
		}
	}
	if (Networks{Private: true}).Check(netip.MustParseAddr("127.0.0.1")) == nil {
		t.Error("the setting for private networks allows loopback")
	}
	if (Networks{Loopback: true}).Check(netip.MustParseAddr("10.0.0.1")) == nil {
		t.Error("the setting for loopback allows private networks")
	}
}

func TestOnlyAHostThatIsANumberIsCheckedBeforeItIsDialed(t *testing.T) {
	for address, want := range map[string]bool{
		"http://169.254.169.254/latest": false, "http://[::ffff:a9fe:a9fe]:80/": false, "http://metadata.example/": true,
	} {
		u, err := ParseAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := (Networks{}).CheckHost(u); (err == nil) != want {
			t.Errorf("CheckHost(%s) = %v", address, err)
		}
	}
}

// FuzzNoFormOfALinkLocalAddressPasses wraps link-local and metadata addresses in whatever
// the fuzzer makes of the other bytes.
func FuzzNoFormOfALinkLocalAddressPasses(f *testing.F) {
	f.Add("::ffff:169.254.169.254")
	f.Add("fe80::1%lo")
	f.Add("0xa9.254.169.254")
	f.Fuzz(func(t *testing.T, text string) {
		addr, err := netip.ParseAddr(text)
		if err != nil || (Networks{Private: true, Loopback: true}).Check(addr) != nil {
			return
		}
		if last := addr.Unmap(); last.IsLinkLocalUnicast() || last.IsMulticast() || last.IsUnspecified() {
			t.Errorf("%s passes", text)
		}
	})
}
