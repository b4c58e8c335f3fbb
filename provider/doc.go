// Package provider is the side of an API provider: the backend behind a Prism platform. A
// [Provider] verifies that a call comes from the platform, says who calls and for which
// user, finds the function that the call is for, and writes its answer in the envelope
// that callers expect.
//
//	p, err := provider.New(provider.Config{Secrets: []string{os.Getenv("PRISM_SECRET")}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	p.Handle("GET orders/{tid}", provider.Func(getOrder), provider.RequireUser)
//	log.Fatal(http.ListenAndServe(":8080", p))
//
// getOrder is a function of a struct whose fields are the parameters, see [Func]. It
// returns a value, which is the result, or an error; an [*Error] says what the caller
// learns of it. [CallFrom] has the caller and the user.
//
// # What a signature proves
//
// That the platform, or somebody else who has the secret, made the request. With [Prism]
// that is the method, the path, the query, a form and who the caller is, and with sign_time
// also when. Bodies that are no forms, X-Caller-Ip and X-Request-Id are signed by no scheme.
// [ECOS] and [ShopEx] are for backends that already have them: they sign parameters only,
// so a request that somebody else has seen can be repeated forever, for another user. Put TLS
// in front of those, and let nobody but the platform reach them.
//
// All methods may be called from any number of goroutines, but a Provider has to have all of
// its functions before it serves.
package provider
