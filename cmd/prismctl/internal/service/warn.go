package service

import (
	"os"

	"github.com/shopex/prism-go/cmd/prismctl/internal/files"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

func (s *service) notice(format string, args ...any) { s.Notice(s.Log, format, args...) }

func (s *service) warn() {
	if !onLoopback(s.listener.Addr()) && s.TLSCert == "" {
		s.notice("WARNING: other machines can reach %s, and there is no TLS: everyone on the way can read the messages, the tokens and the passwords.\nGive --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that ends TLS.", s.listener.Addr())
	}
	if s.SignWindow == 0 || s.SignWindowPast == 0 {
		s.notice("WARNING: signatures of any age are accepted, so recorded calls can be repeated.")
	}
	s.warnOfDirectory()
	if s.Syncing > 0 {
		s.notice("WARNING: with --sync %v, a power failure may take the messages that were confirmed in the last %v.", s.Syncing, s.Syncing)
	}
}

// warnOfDrops says that a queue has begun to drop messages, and while it goes on once a
// minute. It is for [platform.QueueBounds].
func (s *service) warnOfDrops(key, topic string, dropped uint64) {
	s.log.Warn("a queue is full and drops messages: consume it, or let it get less by \"prismctl queue unbind\", or hold more by \"prismctl queue limit\"",
		"key", key, "queue", words.Queue(topic), "dropped", dropped)
}

// warnOfDirectory says when others may look into --data or change what is there.
func (s *service) warnOfDirectory() {
	info, err := os.Stat(s.Data)
	if s.Data == "" || err != nil {
		return
	}
	if open := files.OpenTo(info); open != "" {
		s.notice("WARNING: the directory %s may be %s by other users of this machine (mode %04o): run \"chmod g-w,o-rwx %s\".",
			words.Shown(s.Data), open, info.Mode().Perm(), words.Quoted(s.Data))
	}
}
