package words

import (
	"strings"
	"testing"
)

func TestATextFitsIntoItsColumns(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"hello", 5, "hello"},
		{"hello!", 5, "hell…"},
		{"订单已付款", 10, "订单已付款"},
		{"订单已付款", 9, "订单已付…"},
		{"订单已付款", 8, "订单已…"},
		{"a\tb\x1b[31m", 20, `"a\tb\x1b[31m"`},
		{"a\tb\x1b[31m", 8, `"a\tb\x…`},
		{"\xff\xfe", 10, `"\xff\xfe"`},
		{"", 4, `""`},
		{strings.Repeat("é", 1000), 4, "ééé…"},
	} {
		got := Fitting(c.text, c.columns)
		if got != c.want || Width(got) > c.columns {
			t.Errorf("Fitting(%q, %d) = %q of %d columns, want %q", c.text, c.columns, got, Width(got), c.want)
		}
	}
}

func TestATextIsPaddedByWhatItTakesOnTheScreen(t *testing.T) {
	for text, want := range map[string]string{"ab": "ab  |", "订": "订  |", "订单x": "订单x|", "": "    |"} {
		if got := Padded(text, 4) + "|"; got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
