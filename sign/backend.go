package sign

import "net/url"

// ECOS returns the signature of the scheme "ecos", which older backends verify. params
// are all parameters of the call, without the one that is to carry the signature.
//
// It is no strong signature: a=1&b=2 has the same one as a=1b2, and neither the method nor
// the path nor the time are part of it.
func ECOS(token string, params url.Values) string { return "" }

// ShopEx returns the signature of the scheme "shopex". params are all parameters of the
// call, without the one that is to carry the signature.
func ShopEx(token string, params url.Values) string { return "" }
