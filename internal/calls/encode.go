package calls

import (
	"encoding/binary"
	"errors"
	"time"
)

// What was counted is saved as: a format, the names of the series, and a bucket after the
// other, each with its length, number, counts, and the bins that are not empty.

const savedFormat = 1

var errSaved = errors.New("calls: these are no statistics that were saved")

func encode(name Series, all []counted) []byte {
	text := []byte{savedFormat}
	for _, part := range []string{name.Domain, string(name.Kind), name.Name} {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	for i := range all {
		text = appendCounted(text, &all[i])
	}
	return text
}

func appendCounted(text []byte, c *counted) []byte {
	hours := byte(0)
	if c.length == time.Hour {
		hours = 1
	}
	text = binary.AppendUvarint(append(text, hours), uint64(c.number))
	for _, n := range []uint32{c.calls, c.refused, c.limited, c.failed} {
		text = binary.AppendUvarint(text, uint64(n))
	}
	filled := uint32(0)
	for i, n := range c.took {
		if n > 0 {
			filled |= 1 << i
		}
	}
	text = append(text, byte(filled), byte(filled>>8), byte(filled>>16))
	for _, n := range c.took {
		if n > 0 {
			text = append(text, byte(n))
		}
	}
	return text
}

func decodeName(text []byte) (name Series, rest []byte, err error) {
	if len(text) == 0 || text[0] != savedFormat {
		return name, nil, errSaved
	}
	text = text[1:]
	var parts [3]string
	for i := range parts {
		n, size := binary.Uvarint(text)
		if size <= 0 || n > mostName || n > uint64(len(text)-size) {
			return name, nil, errSaved
		}
		parts[i], text = string(text[size:size+int(n)]), text[size+int(n):]
	}
	return Series{parts[0], Kind(parts[1]), parts[2]}, text, nil
}

func decode(text []byte) (name Series, all []counted, err error) {
	name, text, err = decodeName(text)
	if err == nil {
		err = eachCounted(text, func(c *counted) { all = append(all, *c) })
	}
	return name, all, err
}

// eachCounted calls f with each bucket of a text behind its name. f must not keep it.
func eachCounted(text []byte, f func(*counted)) (err error) {
	var c counted
	for len(text) > 0 {
		c = counted{}
		if text, err = readCounted(text, &c); err != nil {
			return err
		}
		f(&c)
	}
	return nil
}

// mostNumber is more than the minutes until the year 9999.
const mostNumber = 1 << 33

func readCounted(text []byte, c *counted) (rest []byte, err error) {
	switch text[0] {
	case 0:
		c.length = time.Minute
	case 1:
		c.length = time.Hour
	default:
		return nil, errSaved
	}
	text = text[1:]
	read := func(most uint64) uint64 {
		n, size := binary.Uvarint(text)
		if size <= 0 || n > most {
			err = errSaved
			return 0
		}
		text = text[size:]
		return n
	}
	c.number = int64(read(mostNumber))
	for _, n := range []*uint32{&c.calls, &c.refused, &c.limited, &c.failed} {
		if err == nil {
			*n = uint32(read(1<<32 - 1))
		}
	}
	if err != nil || len(text) < 3 {
		return nil, errSaved
	}
	filled := uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16
	text = text[3:]
	for i := range c.took {
		if filled&(1<<i) == 0 {
			continue
		}
		if len(text) == 0 || text[0] == 0 {
			return nil, errSaved
		}
		c.took[i], text = small(text[0]), text[1:]
	}
	return text, nil
}
