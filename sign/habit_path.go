package sign

import (
	"slices"
	"strings"
)

func pathHabits() []habit {
	return []habit{
		{
			cause: "path-without-base", slot: slotPath, rank: common,
			what: "signs the path without its base",
			fix:  "Sign the whole path of the URL, such as /api/platform/notify/status.",
			variants: func(p *plan) []variant {
				var all []variant
				for rest := p.path; ; {
					_, after, ok := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
					if !ok || after == "" {
						return all
					}
					rest = "/" + after
					all = append(all, path(rest), path(after))
				}
			},
		},
		{
			cause: "path-without-slash", slot: slotPath, rank: common,
			what:     "signs the path without the slash at its start",
			fix:      "Sign the path as it is in the URL, with the slash.",
			variants: otherPath(func(s string) string { return strings.TrimPrefix(s, "/") }),
		},
		{
			cause: "path-trailing-slash", slot: slotPath, rank: common,
			what:     "signs the path with another end: a slash is added or taken away",
			fix:      "Sign exactly the path that is sent.",
			variants: otherPath(func(s string) string { return strings.TrimSuffix(s, "/") }, func(s string) string { return s + "/" }),
		},
		{
			cause: "path-with-query", slot: slotPath, rank: common,
			what: "signs the query as part of the path",
			fix:  "Sign the path up to the question mark; the parameters are a part of their own.",
			variants: func(p *plan) []variant {
				if p.own.RawQuery == "" {
					return nil
				}
				var all []variant
				for _, query := range queries(p) {
					all = append(all, path(p.path+"?"+query), variant{do: func(p *plan) { p.path, p.query = p.path+"?"+query, nil }})
				}
				return all
			},
		},
		{
			cause: "path-with-host", slot: slotPath, rank: common,
			what: "signs the host with the path",
			fix:  "Sign only the path of the URL, without scheme, host and port.",
			variants: func(p *plan) []variant {
				host := p.own.Host
				if host == "" {
					host = headerValue(p.own.Header, "Host")
				}
				if host == "" {
					return nil
				}
				var all []variant
				hosts := []string{host}
				if bare, _, ok := strings.Cut(host, ":"); ok {
					hosts = append(hosts, bare)
				} else {
					hosts = append(hosts, host+":80", host+":443")
				}
				queries := append([]string{""}, queries(p)...)
				for _, host := range hosts {
					for _, scheme := range []string{"http://", "https://", "", "//"} {
						for _, query := range queries {
							if query == "" {
								all = append(all, path(scheme+host+p.path))
								continue
							}
							whole := scheme + host + p.path + "?" + query
							all = append(all, path(whole), variant{do: func(p *plan) { p.path, p.query = whole, nil }})
						}
					}
				}
				return all
			},
		},
		{
			cause: "path-missing", slot: slotPath | slotOrder, rank: common,
			what:     "does not sign the path",
			fix:      "Sign the whole path of the URL, such as /api/platform/notify/status.",
			variants: some(func(p *plan) { p.path = "" }, withoutPart(partPath)),
		},
		{
			cause: "path-other-base", slot: slotPath, rank: seldom,
			what: "signs the path with another base than the one that was sent, or a proxy has changed it",
			fix:  "Sign the path that arrives: base path included, as a proxy passes it on.",
			variants: func(p *plan) []variant {
				_, rest, _ := strings.Cut(strings.TrimPrefix(p.path, "/"), "/")
				first := strings.TrimSuffix(strings.TrimSuffix(p.path, rest), "/")
				return []variant{
					path("/api" + p.path), path("/api-sandbox" + p.path), path("/api/" + rest), path("/api-sandbox/" + rest),
					path(first + p.path), path("/index.php" + p.path), path("/api/index.php/" + rest),
				}
			},
		},
		{
			cause: "path-case", slot: slotPath, rank: seldom,
			what:     "changes the case of the path",
			fix:      "Sign exactly the path that is sent.",
			variants: otherPath(strings.ToLower, strings.ToUpper),
		},
		{
			cause: "path-slashes", slot: slotPath, rank: seldom,
			what: "signs other slashes in the path: doubled ones, or single ones where they were doubled",
			fix:  "Join base and path by one slash, and sign what is sent.",
			variants: otherPath(
				func(s string) string { return strings.ReplaceAll(s, "//", "/") },
				func(s string) string { return "/" + s },
				func(s string) string { return strings.Replace(s, "/api/", "/api//", 1) },
			),
		},
		{
			cause: "path-as-method", slot: slotPath, rank: seldom,
			what: "signs the name of the API where the path belongs",
			fix:  "Sign the path of the URL.",
			variants: func(p *plan) []variant {
				all := otherPath(func(s string) string { return strings.ReplaceAll(strings.Trim(s, "/"), "/", ".") })(p)
				if name := p.own.value("method"); name != "" {
					all = append(all, path(name))
				}
				return all
			},
		},
	}
}

func path(s string) variant { return variant{do: func(p *plan) { p.path = s }} }

// otherPath is for those that make another path of the right one.
func otherPath(changes ...func(string) string) func(*plan) []variant {
	return func(p *plan) []variant { return others(p.path, path, changes) }
}

// queries returns the query in the forms in which it may end a path: as it came without
// the signature, decoded, and by name.
func queries(p *plan) []string {
	raw := kept(p.rawQueryItems, notSign)
	sorted := slices.Clone(p.query)
	byName(sorted)
	all := []string{join(raw), join(p.query), join(sorted)}
	if some := kept(raw, notSystem); len(some) > 0 {
		all = append(all, join(some))
	}
	return all
}

// system reports whether a parameter is one of the platform's.
func system(name string) bool {
	switch name {
	case "client_id", "sign_method", "sign_time", "sign", "client_secret":
		return true
	}
	return false
}

func notSystem(name string) bool { return !system(name) }
