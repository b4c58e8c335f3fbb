// Package settings has the settings of serve: what each is called as a flag, as
// a variable and as a line of the file, and where the value is from that counts.
// The tag config has the name in the file, and marks what is a setting.
package settings

import (
	"cmp"
	"time"

	"github.com/alecthomas/kong"
)

// Serve is the settings of serve. Settle fills in what the command line does not
// say.
type Serve struct {
	ListFlags
	Storage
	Service
	Front
	Gateway
	Elsewhere
	Limits

	Lists   Lists         `kong:"-"` // in force
	Whose   Sources       `kong:"-"` // of lists
	From    Sources       `kong:"-"` // of settings
	Syncing time.Duration `kong:"-"` // Sync; 0 is always
}

// Service is the settings of how a platform is served.
type Service struct {
	Config      string `is:"file" placeholder:"FILE" help:"A file of settings, in TOML (PRISM_CONFIG)."`
	PrintConfig bool   `help:"Print what is in force as such a file, and where each value is from, and end."`
	ShowSecret  bool   `hidden:""` // what earlier versions had

	Listen          string        `config:"listen" default:"127.0.0.1:8080" placeholder:"ADDR" help:"The address to listen on (${default}); port 0 is any free one."`
	AdminListen     string        `config:"admin-listen" placeholder:"ADDR" help:"An address for /healthz, /readyz and /metrics, such as 127.0.0.1:9090. Nobody has to log in there."`
	TLSCert         string        `is:"file" name:"tls-cert" config:"tls-cert" placeholder:"FILE" help:"Serve by TLS with this certificate, in PEM with its chain. It may be replaced at any time."`
	TLSKey          string        `is:"file" name:"tls-key" config:"tls-key" placeholder:"FILE" help:"The key of --tls-cert."`
	Sync            string        `config:"sync" default:"always" placeholder:"always|D" help:"When --data brings to the disk what it has confirmed: always at once, or after at most this time, such as 100ms. A power failure takes what was confirmed in that time; the end of the process, even by kill -9, takes nothing."`
	SignWindow      time.Duration `config:"sign-window" default:"10m" placeholder:"D" help:"How far the time of a signature may be from this clock (${default}); 0 accepts any, for recorded traffic. Given alone, it bounds both sides."`
	SignWindowPast  time.Duration `config:"sign-window-past" default:"25h" placeholder:"D" help:"How old a signature may be (${default}): published SDKs for Python and Java take the time once, when they start."`
	RefuseReplays   bool          `config:"refuse-replays" help:"Let each signature count once, for every call. Each call is remembered for both windows of signatures, so give them, too."`
	Console         string        `config:"console" default:"auto" placeholder:"auto|on|off" help:"Whether the console is at /console; by default it is (${default}) where only programs of this machine reach the platform, and opens by the link that is printed. Elsewhere users log in to it who have a role."`
	ErrorCodes      string        `config:"error-codes" default:"auto" placeholder:"auto|word|prism" help:"What error.code is: a word, the number of the original platform, or by the caller's User-Agent (${default}), which gives numbers to the published SDK for PHP."`
	SessionLife     time.Duration `config:"session-life" default:"720h" placeholder:"D" help:"How long a user stays logged in at most (${default}), however much the login is used; so long all tokens of it are good."`
	KeepHistory     int           `config:"keep-history" default:"2097152" placeholder:"N" help:"How many bytes of what happened to messages are kept, for \"queue find\" (${default}); 0 keeps nothing."`
	Drain           time.Duration `config:"drain" default:"10s" placeholder:"D" help:"How long calls and channels have to finish after SIGTERM (${default})."`
	DrainDelay      time.Duration `config:"drain-delay" default:"0s" placeholder:"D" help:"How long to go on serving after SIGTERM, with /readyz at 503, before that (${default}): as long as a load balancer needs to notice."`
	AccessLog       string        `is:"file" config:"access-log" placeholder:"FILE|-" help:"Write a line of JSON for each call to this file, or with --output json to standard output. SIGHUP opens the file again."`
	LogFormat       string        `config:"log-format" default:"text" placeholder:"text|json" help:"How the log on standard error is written (${default})."`
	AdminKey        string        `config:"admin-key" placeholder:"KEY" help:"A key that may make and change apps and keys."`
	AdminSecretFile string        `is:"file" config:"admin-secret-file" placeholder:"FILE" help:"A file with the secret of --admin-key, instead of PRISM_ADMIN_SECRET."`
}

// Settle looks for what the command line does not say in the environment and in
// the file, and reports what is wrong with what is found.
func (s *Serve) Settle(k *kong.Context, env func(string) string) error {
	file, err := readSettings(cmp.Or(s.Config, env("PRISM_CONFIG")))
	if err != nil {
		return err
	}
	if s.From, err = settle(k, env, file); err != nil {
		return err
	}
	if s.From["sign-window"] != fromDefault && s.From["sign-window-past"] == fromDefault {
		s.SignWindowPast, s.From["sign-window-past"] = s.SignWindow, s.From["sign-window"]
	}
	if s.Lists, s.Whose, err = s.ListFlags.over(file); err != nil {
		return err
	}
	return cmp.Or(checkLevel(k, s.From["log-level"]), s.check())
}
