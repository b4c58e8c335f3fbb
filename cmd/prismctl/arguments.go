package main

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
)

// asGiven takes arguments as they are. Kong passes them through JSON, which would
// make U+FFFD of what is no UTF-8, such as text in GBK. The tag is says where any
// bytes are welcome: in a file name, and in what is sent as bytes.
func asGiven() kong.Option {
	return kong.KindMapper(reflect.String, kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		token, err := ctx.Scan.PopValue("string")
		if err != nil {
			return err
		}
		text := fmt.Sprint(token.Value)
		switch ctx.Value.Tag.Get("is") {
		case "bytes":
		case "file":
			text = files.AtHome(text)
		default:
			err = checkText(text)
		}
		target.SetString(text)
		return err
	}))
}

// withUnit says of a duration without a unit how to write it.
func withUnit() kong.Option {
	return kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		token, err := ctx.Scan.PopValue("duration")
		if err != nil {
			return err
		}
		text := fmt.Sprint(token.Value)
		d, err := time.ParseDuration(text)
		if _, bare := strconv.ParseFloat(text, 64); err != nil && bare == nil {
			return fmt.Errorf("%s has no unit: write %[1]ss for seconds, %[1]sm for minutes or %[1]sh for hours", text)
		}
		if err != nil {
			return fmt.Errorf("%q is no duration: write one such as 10s, 5m or 1h30m", text)
		}
		target.SetInt(int64(d))
		return nil
	}))
}

// checkText refuses what is no UTF-8: names and notes come back in JSON.
func checkText(text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%q is no UTF-8: write it in UTF-8, or convert it by iconv", text)
	}
	return nil
}

// A metaFlag is a map of texts, each given as NAME=VALUE.
type metaFlag map[string]string

// Decode is called for each of them.
func (m *metaFlag) Decode(ctx *kong.DecodeContext) error {
	token, err := ctx.Scan.PopValue("NAME=VALUE")
	if err != nil {
		return err
	}
	text := fmt.Sprint(token.Value)
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("write NAME=VALUE")
	}
	if *m == nil {
		*m = metaFlag{}
	}
	(*m)[name] = value
	return checkText(text)
}

// misused says what is wrong with a command line and where to read on.
func misused(err error) error {
	command := "prismctl"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			command = node.FullPath()
		}
	}
	text := strings.Replace(err.Error(), `but got "EOL" (<EOL>)`, "but there is none", 1)
	if strings.HasPrefix(text, "unknown flag") {
		text += "\nAn argument that begins with - stands behind --, as in: prismctl publish order.new -- -5"
	}
	return exit.Usagef("%s\nRead: %s --help", text, command)
}
