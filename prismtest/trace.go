package prismtest

import "github.com/shopex/prism-go/platform"

// trace returns hooks that call the user's and then write the record, so that
// who has waited for an entry finds that the user's hook has seen it, too. They
// number connections after the earlier ones: each number is used once in the
// life of a Server.
func (r *recorder) trace(earlier uint64, user *platform.Trace) *platform.Trace {
	if user == nil {
		user = &platform.Trace{}
	}
	return &platform.Trace{
		Call: func(c platform.Call, o platform.Outcome) {
			if user.Call != nil {
				user.Call(c, o)
			}
			r.called(c, o)
		},
		Connect: func(c platform.Conn) {
			c.ID += earlier
			tell(user.Connect, c)
			r.connected(c)
		},
		Disconnect: func(c platform.Conn, reason string) {
			c.ID += earlier
			if user.Disconnect != nil {
				user.Disconnect(c, reason)
			}
			r.disconnected(c, reason)
		},
		Publish: func(e platform.PublishEvent) {
			if e.Conn != 0 { // 0 stands for notify/write
				e.Conn += earlier
			}
			tell(user.Publish, e)
			r.stored(e)
		},
		Deliver: func(e platform.DeliverEvent) {
			e.Conn += earlier
			tell(user.Deliver, e)
			r.delivering(e)
		},
		Ack: func(e platform.AckEvent) {
			e.Conn += earlier
			tell(user.Ack, e)
			r.acked(e)
		},
	}
}

func tell[E any](hook func(E), event E) {
	if hook != nil {
		hook(event)
	}
}
