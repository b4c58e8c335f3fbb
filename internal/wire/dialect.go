package wire

import (
	"bytes"
	"encoding/binary"
)

// publishDialect names the SDK that writes publish commands like b, which could not be
// read. Python always writes 2, 4 and 2 as the lengths; C# writes 16-bit little-endian
// lengths and none for the content type.
func publishDialect(b []byte) string {
	if looksLikePython(b) {
		return "python"
	}
	if key, rest, ok := cut16(b, binary.LittleEndian); ok && len(key) > 0 {
		if _, _, ok := cut16(rest, binary.LittleEndian); ok {
			return "csharp"
		}
	}
	return ""
}

func looksLikePython(b []byte) bool {
	_, rest, ok := bytes.Cut(b, []byte{0, 2})
	if !ok || len(rest)+2 != len(b) {
		return false
	}
	_, rest, ok = bytes.Cut(rest, []byte{0, 0, 0, 4})
	return ok && bytes.Contains(rest, []byte{0, 2})
}
