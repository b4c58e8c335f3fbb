package service

import "net"

// What systemd is told of a unit of Type=notify.
const (
	unitReady    = "READY=1"
	unitStopping = "STOPPING=1"
)

// notifyUnit tells systemd, if that has started the process and wants to know.
func (s *service) notifyUnit(state string) {
	socket := s.Env("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	conn, err := net.Dial("unixgram", socket)
	if err == nil {
		defer conn.Close()
		_, err = conn.Write([]byte(state))
	}
	if err != nil {
		s.log.Warn("systemd could not be told", "state", state, "error", err)
	}
}
