package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// Tags of the header of an rpm, and flags of its files.
const (
	tagName, tagVersion, tagArch             = 1000, 1001, 1022
	tagPostInstall, tagPreRemove, tagRemoved = 1024, 1025, 1026
	tagModes, tagFlags                       = 1030, 1037
	tagDirIndex, tagBaseName, tagDirName     = 1116, 1117, 1118
	tagRequired, tagPayloadSum               = 1049, 5092

	keptByUpgrade = 1 | 1<<4 // %config(noreplace)
)

// A header is what an rpm says of itself: the values of each tag.
type header map[uint32]struct {
	kind, count uint32
	at          []byte // where they begin
}

// readHeader reads the header at the begin of data, and returns what follows it.
func readHeader(t *testing.T, data []byte) (h header, rest []byte) {
	t.Helper()
	if len(data) < 16 || !bytes.HasPrefix(data, []byte{0x8e, 0xad, 0xe8, 1}) {
		t.Fatal("this is no header of an rpm")
	}
	entries, size := binary.BigEndian.Uint32(data[8:]), binary.BigEndian.Uint32(data[12:])
	index, store := data[16:16+16*entries], data[16+16*entries:]
	h = header{}
	for ; len(index) > 0; index = index[16:] {
		e := h[binary.BigEndian.Uint32(index)]
		e.kind, e.count = binary.BigEndian.Uint32(index[4:]), binary.BigEndian.Uint32(index[12:])
		e.at = store[binary.BigEndian.Uint32(index[8:]):size]
		h[binary.BigEndian.Uint32(index)] = e
	}
	return h, store[size:]
}

func (h header) texts(tag uint32) []string {
	e := h[tag]
	if e.count == 0 {
		return nil
	}
	return strings.SplitN(string(e.at), "\x00", int(e.count)+1)[:e.count]
}

func (h header) text(tag uint32) string { return strings.Join(h.texts(tag), "") }

func (h header) numbers(tag uint32) (numbers []int) {
	for i := range int(h[tag].count) {
		if h[tag].kind == 3 { // of 16 bits
			numbers = append(numbers, int(binary.BigEndian.Uint16(h[tag].at[2*i:])))
		} else {
			numbers = append(numbers, int(binary.BigEndian.Uint32(h[tag].at[4*i:])))
		}
	}
	return numbers
}

func TestTheRPMHasItsFilesAndScripts(t *testing.T) {
	a := built(t)
	a.files["prismctl"] = []byte("a binary that is packed sooner")
	data, err := os.ReadFile(a.packed(t, "rpm"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest := readHeader(t, data[96:]) // signatures, behind the lead
	h, payload := readHeader(t, rest[(8-(len(data)-len(rest))%8)%8:])
	if h.text(tagName) != "prismctl" || h.text(tagVersion) != a.version || h.text(tagArch) != map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[a.arch] {
		t.Errorf("it is %s %s for %s", h.text(tagName), h.text(tagVersion), h.text(tagArch))
	}
	if sum := sha256.Sum256(payload); h.text(tagPayloadSum) != hex.EncodeToString(sum[:]) {
		t.Error("the checksum of the files is wrong")
	}
	if !slices.Contains(h.texts(tagRequired), "/usr/sbin/useradd") {
		t.Errorf("it requires %q", h.texts(tagRequired))
	}
	modes := map[string]int{}
	for i, dir := range h.numbers(tagDirIndex) {
		name := path.Join(h.texts(tagDirName)[dir], h.texts(tagBaseName)[i])
		modes[name] = h.numbers(tagModes)[i]
		if kept := h.numbers(tagFlags)[i] == keptByUpgrade; kept != (name == settings) {
			t.Errorf("an upgrade keeps %s: %v", name, kept)
		}
	}
	for name, want := range map[string]int{
		"/usr/bin/prismctl": 0o100755, settings: 0o100644, "/usr/lib/systemd/system/prismctl.service": 0o100644,
		"/usr/share/man/man1/prismctl-queue-drop.1.gz": 0o100644, "/usr/share/bash-completion/completions/prismctl": 0o100644,
		"/usr/share/zsh/site-functions/_prismctl": 0o100644, "/usr/share/fish/vendor_completions.d/prismctl.fish": 0o100644,
		"/usr/share/licenses/prismctl/LICENSE-THIRD-PARTY": 0o100644, "/usr/share/doc/prismctl/README.md": 0o100644,
		"/etc/prism": 0o040755, "/usr/share/doc/prismctl": 0o040755, "/usr/share/doc/prismctl/docs": 0o040755, "/usr/share/licenses/prismctl": 0o040755,
	} {
		if modes[name] != want {
			t.Errorf("%s has mode %o, want %o", name, modes[name], want)
		}
	}
	for tag, name := range map[uint32]string{tagPostInstall: "postinstall.sh", tagPreRemove: "preremove.sh", tagRemoved: "postremove.sh"} {
		if want, err := scripts.ReadFile("scripts/" + name); err != nil || h.text(tag) != string(want) {
			t.Errorf("%s, %v: %q", name, err, h.text(tag))
		}
	}
}
