package notify

import "time"

// PushStatus is what the process of the platform that answered has done for the push
// address of a key since it began. In a cluster one process pushes for a key; the others
// say that they have done nothing.
type PushStatus struct {
	Workers      int       // POSTs at a time
	Delivered    uint64    // messages that the receiver has taken
	Failed       uint64    // POSTs that failed
	LastStatus   int       // of the answer to the last POST; 0 without an answer
	LastError    string    // why the last POST that failed did so
	WaitingSince time.Time // since when all POSTs have failed; zero if the last one did not
}

type pushDoc struct {
	Workers           int
	Delivered, Failed uint64
	LastStatus        int    `json:"Last_status"`
	LastError         string `json:"Last_error"`
	WaitingSince      int64  `json:"Waiting_since"`
}

func (d *pushDoc) status() *PushStatus {
	if d == nil {
		return nil
	}
	s := &PushStatus{Workers: d.Workers, Delivered: d.Delivered, Failed: d.Failed, LastStatus: d.LastStatus, LastError: d.LastError}
	if d.WaitingSince > 0 {
		s.WaitingSince = time.Unix(d.WaitingSince, 0)
	}
	return s
}
