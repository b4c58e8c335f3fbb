package platform

// Peers is an interface that an engine may have beside [Queues]. By it the platforms of a
// cluster hear each other, for what no record is worth: what is told may be lost, and a
// platform that is not there does not hear of it later. Both methods may be called by any
// number of goroutines.
type Peers interface {
	// Tell sends text to all that hear about a subject, which is of letters and digits. It
	// waits for none of them.
	Tell(subject string, text []byte) error
	// Hear calls f with what is told about a subject, one text after the other, until stop
	// is called. f must not block, and must not keep text.
	Hear(subject string, f func(text []byte)) (stop func(), err error)
}
