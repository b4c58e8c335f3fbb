package console

// Cause returns a sentence about a cause of a wrong signature, or "" for one that is rare:
// the explanation of package sign, which is in English, names each.
func (v *view) Cause(name string) string {
	if id := "cause." + name; causePhrases[id] != (phrase{}) {
		return v.T(id)
	}
	return ""
}

var causePhrases = map[string]phrase{
	"cause.other-secret":              {"Most likely the secret is not that of this key.", "密钥很可能不是该 Key 的密钥。"},
	"cause.changed-after-signing":     {"Or the request was changed after it was signed, for example by a proxy.", "或请求在签名之后被改动，例如被代理修改。"},
	"cause.signature-malformed":       {"The signature must be the 32 hex digits of an MD5.", "签名必须是 MD5 的 32 位十六进制字符。"},
	"cause.lower-case-signature":      {"Write the signature in upper case.", "签名须使用大写十六进制。"},
	"cause.path-without-base":         {"Sign the whole path, with its base.", "须对包含基础路径的完整路径签名。"},
	"cause.path-missing":              {"Sign the path, too.", "路径也要参与签名。"},
	"cause.path-not-escaped":          {"Escape the path as a whole before signing.", "签名前须对路径整体进行转义。"},
	"cause.path-slash-unescaped":      {"Escape the slashes of the path: %2F.", "路径中的斜杠须转义为 %2F。"},
	"cause.path-with-query":           {"Sign the path up to the question mark; the query is a part of its own.", "路径只取问号之前的部分，查询参数单独作为一段。"},
	"cause.lower-case-escapes":        {"Write escapes in upper case: %2F, not %2f.", "转义须用大写：%2F，而非 %2f。"},
	"cause.plus-for-space":            {"Escape a space as %20, not as +.", "空格须转义为 %20，而非 +。"},
	"cause.form-escape":               {"Escape by RFC 3986, not as for a form.", "须按 RFC 3986 转义，而非表单转义。"},
	"cause.encode-uri-component":      {"Escape ! ' ( ) * as well.", "! ' ( ) * 也须转义。"},
	"cause.double-escape":             {"Escape once only.", "只转义一次。"},
	"cause.not-escaped":               {"Escape each part as a whole.", "每一段都须整体转义。"},
	"cause.pairs-escaped":             {"Join the pairs first, then escape the part as a whole.", "先拼接参数，再对整段转义。"},
	"cause.unsorted":                  {"Sort the parameters by name, in byte order.", "参数须按名称的字节序排序。"},
	"cause.query-not-signed":          {"Sign the parameters of the URL, too.", "URL 中的参数也要参与签名。"},
	"cause.form-not-signed":           {"Sign the parameters of the body, too.", "请求体中的参数也要参与签名。"},
	"cause.parameter-not-signed":      {"Sign all parameters but sign.", "除 sign 外的所有参数都要参与签名。"},
	"cause.headers-not-signed":        {"Sign Authorization and the headers X-Api-*.", "Authorization 与 X-Api-* 请求头要参与签名。"},
	"cause.authorization-not-signed":  {"Set Authorization before signing, and sign it.", "签名前先设置 Authorization，并让其参与签名。"},
	"cause.json-body-signed":          {"Do not sign a body that is no form.", "非表单请求体不参与签名。"},
	"cause.body-signed":               {"Do not sign a body that is no form.", "非表单请求体不参与签名。"},
	"cause.empty-parts-dropped":       {"Keep the & of empty parts.", "空的段也要保留其 &。"},
	"cause.key-as-secret":             {"Sign with the secret, not with the key.", "须用密钥签名，而非 Key。"},
	"cause.secret-missing-at-the-end": {"Put the secret at both ends.", "密钥须放在首尾两端。"},
	"cause.hmac-md5":                  {"Use MD5, not HMAC.", "使用 MD5，而非 HMAC。"},
	"cause.milliseconds":              {"Take the time in seconds, once.", "时间以秒为单位，且只取一次。"},
	"cause.sign-included":             {"Leave sign out of what is signed.", "sign 本身不参与签名。"},
}
