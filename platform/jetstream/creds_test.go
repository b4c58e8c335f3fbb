package jetstream

import (
	"bufio"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The server here knows just enough to be told who connects.
func TestTheServerIsShownTheCreds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "prism.creds")
	text := "-----BEGIN NATS USER JWT-----\nthe.user.jwt\n------END NATS USER JWT------\n\n" +
		"-----BEGIN USER NKEY SEED-----\n" + userSeed() + "\n------END USER NKEY SEED------\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := make(chan string, 1)
	go func() { told <- greet(l) }()
	_, err = Open(t.Context(), Config{URL: l.Addr().String(), Creds: file, Logger: quiet(t)})
	if err == nil || strings.Contains(err.Error(), "the.user.jwt") {
		t.Errorf("refused creds: %v", err)
	}
	if connect := <-told; !strings.Contains(connect, `"jwt":"the.user.jwt"`) || !strings.Contains(connect, `"sig":"`) {
		t.Errorf("the server was told %q", connect)
	}
}

// greet returns what the first connection says of itself, and refuses it.
func greet(l net.Listener) string {
	c, err := l.Accept()
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	fmt.Fprint(c, `INFO {"server_id":"x","version":"2.14.5","proto":1,"headers":true,"max_payload":8388608,"auth_required":true,"nonce":"abc"}`+"\r\n")
	connect, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	fmt.Fprint(c, "-ERR 'Authorization Violation'\r\n")
	return connect
}

// userSeed returns the seed of a user as NATS writes it: two bytes that say
// so, 32 bytes, and their CRC-16.
func userSeed() string {
	const seed, user = 18 << 3, 20 << 3
	raw := append([]byte{seed | user>>5, user & 31 << 3}, make([]byte, 32)...)
	var crc uint16
	for _, b := range raw {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(binary.LittleEndian.AppendUint16(raw, crc))
}
