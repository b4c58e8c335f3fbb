package users

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/shopex/prism-go/platform"
)

var errNoUser = errors.New("it is neither an object nor an ID")

// parseUser reads the user that an answer has as its member, whose ID is another one in
// there.
func parseUser(answer []byte, member, id string) (platform.User, error) {
	value, err := memberOf(answer, member)
	if err != nil {
		return platform.User{}, err
	}
	if isEmpty(value) {
		return platform.User{}, platform.ErrWrongPassword
	}
	if value[0] != '{' {
		text, ok := scalar(value)
		if !ok || text == "true" {
			return platform.User{}, errNoUser
		}
		return platform.User{ID: text}, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		return platform.User{}, errNoUser
	}
	user := platform.User{Data: make(map[string]string, len(members))}
	for name, value := range members {
		switch text, ok := scalar(value); {
		case name == id && ok && text != "true" && text != "false":
			user.ID = text
		case name != id && string(value) != "null":
			user.Data[name] = text
		}
	}
	switch {
	case user.ID == "":
		return platform.User{}, fmt.Errorf("the user has no member %s that is a text or a number", id)
	case !fits(user.Data):
		return platform.User{}, fmt.Errorf("the user has more than %d bytes", maxData)
	}
	return user, nil
}

// memberOf returns a member of JSON by its path, such as result.user. It is null if there
// is none.
func memberOf(doc []byte, path string) (json.RawMessage, error) {
	if !json.Valid(doc) {
		return nil, errors.New("it is no JSON") // which is not shown: a user may be in it
	}
	value := json.RawMessage(bytes.TrimSpace(doc))
	if path == "" {
		return value, nil
	}
	for name := range strings.SplitSeq(path, ".") {
		var members map[string]json.RawMessage
		if json.Unmarshal(value, &members) != nil || members[name] == nil {
			return json.RawMessage("null"), nil
		}
		value = members[name]
	}
	return value, nil
}

// isEmpty reports whether a value stands for no user.
func isEmpty(value json.RawMessage) bool {
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return false
	}
	switch compact.String() {
	case "null", "false", "0", `""`, "{}", "[]":
		return true
	}
	return false
}

// scalar returns a value as text, and whether it is neither an object nor a list.
func scalar(value json.RawMessage) (text string, ok bool) {
	switch value[0] {
	case '"':
		_ = json.Unmarshal(value, &text)
		return text, true
	case '{', '[':
		var compact bytes.Buffer
		_ = json.Compact(&compact, value)
		return compact.String(), false
	}
	return string(value), string(value) != "null"
}
