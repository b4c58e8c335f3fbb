package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layouts are the letters of PHP's date that are layouts of package time.
var layouts = map[byte]string{
	'd': "02", 'D': "Mon", 'j': "2", 'l': "Monday", 'F': "January", 'm': "01", 'M': "Jan", 'n': "1",
	'Y': "2006", 'y': "06", 'a': "pm", 'A': "PM", 'g': "3", 'h': "03", 'H': "15", 'i': "04", 's': "05",
	'O': "-0700", 'P': "-07:00", 'p': "Z07:00", 'T': "MST",
	'c': "2006-01-02T15:04:05-07:00", 'r': "Mon, 02 Jan 2006 15:04:05 -0700",
}

// appendDate appends what a letter of PHP's date means; any other is itself.
func appendDate(dst []byte, c byte, t time.Time) []byte {
	if layout := layouts[c]; layout != "" {
		return t.AppendFormat(dst, layout)
	}
	number, ok := dateNumber(c, t)
	switch {
	case ok:
		return strconv.AppendInt(dst, int64(number), 10)
	case c == 'S':
		return append(dst, ordinal(t.Day())...)
	case c == 'u':
		return fmt.Appendf(dst, "%06d", t.Nanosecond()/1000)
	case c == 'v':
		return fmt.Appendf(dst, "%03d", t.Nanosecond()/1_000_000)
	case c == 'B':
		return fmt.Appendf(dst, "%03d", beats(t))
	case c == 'W':
		_, week := t.ISOWeek()
		return fmt.Appendf(dst, "%02d", week)
	case c == 'e':
		return append(dst, strings.Replace(t.Location().String(), "Local", "UTC", 1)...)
	}
	return append(dst, c)
}

// dateNumber returns the value of a letter that is a plain number.
func dateNumber(c byte, t time.Time) (int, bool) {
	switch c {
	case 'N':
		return int(t.Weekday()+6)%7 + 1, true
	case 'w':
		return int(t.Weekday()), true
	case 'z':
		return t.YearDay() - 1, true
	case 't':
		return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day(), true
	case 'L':
		if time.Date(t.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay() == 366 {
			return 1, true
		}
		return 0, true
	case 'o':
		year, _ := t.ISOWeek()
		return year, true
	case 'G':
		return t.Hour(), true
	case 'I':
		if t.IsDST() {
			return 1, true
		}
		return 0, true
	case 'Z':
		_, offset := t.Zone()
		return offset, true
	case 'U':
		return int(t.Unix()), true
	}
	return 0, false
}

func ordinal(day int) string {
	switch {
	case day%10 == 1 && day != 11:
		return "st"
	case day%10 == 2 && day != 12:
		return "nd"
	case day%10 == 3 && day != 13:
		return "rd"
	}
	return "th"
}

// beats returns the thousandth of the day in Biel, which PHP's B is.
func beats(t time.Time) int {
	t = t.UTC().Add(time.Hour)
	return (t.Hour()*3600 + t.Minute()*60 + t.Second()) * 10 / 864
}
