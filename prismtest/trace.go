package prismtest

import "github.com/shopex/prism-go/platform"

// trace returns hooks that call the test's hooks and then write the record: when a Wait
// method has seen an entry, the test's hook has been called for it. They number
// connections after the earlier ones, so that each number is used once by a Server.
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
			if e.Conn != 0 { // 0 means notify/write
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
		Fail: func(e platform.FailEvent) {
			if e.Conn != 0 { // 0 means pushed
				e.Conn += earlier
			}
			tell(user.Fail, e)
			r.failed(e)
		},
		Park: func(e platform.ParkEvent) {
			if e.Conn != 0 {
				e.Conn += earlier
			}
			tell(user.Park, e)
			r.parked(e)
		},
		Push: func(e platform.PushEvent) {
			tell(user.Push, e)
			r.pushed(e)
		},
	}
}

func tell[E any](hook func(E), event E) {
	if hook != nil {
		hook(event)
	}
}
