package main

import "encoding/binary"

const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// split finds the first frame in b: the lengths of its header, with the mask
// if there is one, and of its payload. It is not ok if the frame is not whole.
// Frames of 64 KiB and more do not occur here.
func split(b []byte) (header, length int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	header, length = 2, int(b[1]&0x7f)
	if length == 126 {
		if len(b) < 4 {
			return 0, 0, false
		}
		header, length = 4, int(binary.BigEndian.Uint16(b[2:]))
	}
	header += int(b[1]>>7) * 4
	return header, length, header+length <= len(b)
}

// keys makes masking keys, as cheaply as can be: a floor has no secrets.
type keys uint64

func (k *keys) next() uint32 {
	*k ^= *k << 13
	*k ^= *k >> 7
	*k ^= *k << 17
	return uint32(*k)
}

// appendMasked appends a client's frame.
func appendMasked(dst []byte, op byte, key uint32, payload []byte) []byte {
	if n := len(payload); n < 126 {
		dst = append(dst, 0x80|op, 0x80|byte(n))
	} else {
		dst = append(dst, 0x80|op, 0x80|126, byte(n>>8), byte(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, key)
	start := len(dst)
	dst = append(dst, payload...)
	mask(dst[start:], key)
	return dst
}

func mask(b []byte, key uint32) {
	for wide := uint64(key)<<32 | uint64(key); len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
	}
	for i := range b {
		b[i] ^= byte(key >> (i * 8 & 31))
	}
}
