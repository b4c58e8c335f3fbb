package platform

import (
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/calls"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/sign"
)

// A stepDoc is what the gateway has decided about a call at a step.
type stepDoc struct {
	Step  string `json:"step"`
	State string `json:"state"` // passed, refused, or skipped behind a refusal
}

// gatewaySteps are the steps of a call, in their order. Those of the platform's own APIs
// end behind the first two.
var gatewaySteps = []string{"signature", "token", "api", "permission", "online", "limit", "user", "parameters", "backend"}

// refusedAt says at which step a refusal comes. What is not there is about the backend if
// the call was sent, and else about what was called.
var refusedAt = map[string]string{
	code.MissingSign: "signature", code.InvalidSignMethod: "signature", code.MissingSignTime: "signature", code.InvalidSignTime: "signature",
	code.SignTimeExpired: "signature", code.InvalidSign: "signature", code.InvalidSecret: "signature", code.SecretOverHTTP: "signature",
	code.InvalidKey: "signature", code.KeyExpired: "signature", code.RepeatedSign: "signature", code.DuplicateParameter: "signature",
	code.InvalidToken: "token", code.UnknownAPI: "api", code.MethodNotAllowed: "api", code.ForbiddenAPI: "permission",
	code.APIOffline: "online", code.OverLimit: "limit", code.UserRequired: "user", code.MissingParameter: "parameters",
	code.BadGateway: "backend", code.BackendTimeout: "backend", code.Canceled: "backend",
}

func stepsOf(r *calls.Record) []stepDoc {
	at := refusedAt[r.Code]
	switch {
	case at != "" || r.Code == "":
	case r.Unproved:
		at = "signature"
	case r.Service != "":
		at = "backend"
	default:
		at = "api"
	}
	steps := make([]stepDoc, 0, len(gatewaySteps))
	state := "passed"
	for _, name := range gatewaySteps {
		if name == at {
			state = "refused"
		}
		if name != "token" || at == name || r.User != "" {
			steps = append(steps, stepDoc{name, state})
		}
		if state == "refused" {
			state = "skipped"
		}
	}
	return steps
}

// A diagnosisDoc says why a signature is wrong.
type diagnosisDoc struct {
	Causes       []string `json:"causes"`
	Explanation  string   `json:"explanation"`
	StringToSign string   `json:"string_to_sign,omitempty"` // as the platform has it; not of a form that is not kept whole
}

// newDiagnosisDoc makes it of a record as it may be shown, so what is masked there is masked
// in the string to sign.
func newDiagnosisDoc(r *calls.Record) *diagnosisDoc {
	if r.Diagnosis == nil {
		return nil
	}
	doc := &diagnosisDoc{Causes: r.Diagnosis.Causes, Explanation: r.Diagnosis.Text}
	received := sign.NewReceived(r.Caller.Method, r.Caller.URL, r.Caller.Header, r.Caller.Body)
	if !r.Cut || received.Form == nil && r.Caller.Header != nil {
		text := sign.Mask(sign.StringToSign("", received.Request), "")
		doc.StringToSign = strings.ReplaceAll(text, "%2A%2A%2A", calls.Masked)
	}
	return doc
}

// masked returns what of a request is masked beside what is made anew when it is repeated.
func masked(r *calls.Record) []string {
	return slices.DeleteFunc(slices.Clone(r.Masked), func(name string) bool {
		_, param, _ := strings.Cut(name, " ")
		return !strings.HasPrefix(name, "header ") && isProof(param)
	})
}
