package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// The console is in nobody's frame, and takes no form of another site, be it only at another
// port of the same host, where the cookies are the same.
func otherSitesDoNothingByTheConsole(t *testing.T, browser context.Context) {
	for name, host := range map[string]string{"another site": "localhost", "the same host": "127.0.0.1"} {
		t.Run(name, func(t *testing.T) {
			srv := newPlatform(t)
			p := meet(t, browser, "en")
			p.enter(srv)
			p.expect("X-Frame-Options")
			p.expect("status of 403")
			evil := openEvilSite(srv, host)
			p.open(evil.put("/frame", fmt.Sprintf(`<iframe src="%s"></iframe>`, p.console(srv))))
			p.mustComplain("frame-ancestors 'none'")
			for _, form := range []string{"apps", "language", "logout"} {
				p.open(evil.put("/form", `<form method="post" action="`+p.console(srv)+form+`"><input name="name" value="Evil"><input name="id" value="evil"><input name="lang" value="zh-CN"><button>Win a prize</button></form>`))
				if p.click("button"); p.status != 403 {
					t.Errorf("a form of %s to %s is answered with %d:\n%s", evil.url, form, p.status, p.text())
				}
			}
			p.open(p.console(srv) + "apps") // still logged in, in English
			if text := p.text(); !strings.Contains(text, "Sign out") || strings.Contains(text, "Evil") {
				t.Errorf("a form of another site did something:\n%s", text)
			}
		})
	}
}
