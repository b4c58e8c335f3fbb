package settings

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Sources says where each setting has its value from: the flag, the variable,
// the line of the file, or "default".
type Sources map[string]string

const fromDefault = "default"

// settle gives the flags that are settings, by the tag config, the values that
// the command line did not: those of the environment, or else of the file, or
// else their defaults. A resolver of kong would look there too, but nobody learns
// from it where a value is from, and its errors name the flag, not the place.
func settle(k *kong.Context, env func(string) string, file *file) (Sources, error) {
	from := Sources{}
	for _, p := range k.Path {
		if p.Flag != nil {
			from[p.Flag.Tag.Get("config")] = "--" + p.Flag.Name
		}
	}
	for _, flag := range settingsOf(k) {
		name := flag.Tag.Get("config")
		if from[name] != "" {
			continue
		}
		text, source, err := lookUp(flag, env, file)
		if err != nil {
			return nil, err
		}
		from[name] = source
		if source == fromDefault {
			continue
		}
		if err := set(flag, text); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
	}
	return from, nil
}

// settingsOf returns the flags that are settings, in their order.
func settingsOf(k *kong.Context) []*kong.Flag {
	var flags []*kong.Flag
	for _, flag := range k.Flags() {
		if flag.Tag.Get("config") != "" {
			flags = append(flags, flag)
		}
	}
	return flags
}

// lookUp returns the value of a setting, and where it was found.
func lookUp(flag *kong.Flag, env func(string) string, file *file) (text, source string, err error) {
	name := flag.Tag.Get("config")
	for _, variable := range variables(name) {
		if text := env(variable); text != "" {
			return text, variable, nil
		}
	}
	value, ok := file.scalar(name)
	if !ok {
		return "", fromDefault, nil
	}
	source = file.source(name)
	if kind := kindOf(flag.Target); !kind.takes(value) {
		return "", source, fmt.Errorf("%s: it must be %s", source, kind.called)
	}
	return textOf(value), source, nil
}

// textOf returns a value of a file as the command line has it.
func textOf(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = fmt.Sprint(one)
	}
	return strings.Join(texts, ",")
}

// A kind is what a value of a file may be.
type kind struct {
	of     reflect.Kind
	called string
}

func kindOf(target reflect.Value) kind {
	if target.Type() == reflect.TypeFor[time.Duration]() {
		return kind{reflect.String, `a time in quotes, such as "10s"`}
	}
	switch target.Kind() {
	case reflect.Bool:
		return kind{reflect.Bool, "true or false, without quotes"}
	case reflect.String:
		return kind{reflect.String, "one text in quotes"}
	case reflect.Slice:
		return kind{reflect.Slice, `a list of texts, such as ["127.0.0.1"]`}
	}
	return kind{reflect.Int64, "a whole number without quotes"}
}

func (k kind) takes(value any) bool { return reflect.ValueOf(value).Kind() == k.of }

// variables are the names of a setting in the environment.
func variables(name string) []string {
	names := []string{"PRISM_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))}
	if name == "log-level" {
		names = append(names, "PRISM_LOG") // as for every other command
	}
	return names
}

// set parses text as the command line would.
func set(flag *kong.Flag, text string) error {
	scan := kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: text})
	return flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, flag.Target)
}
