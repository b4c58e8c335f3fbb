// Package jetstream is the platform's engine whose messages outlive the
// process: [Engine] is [platform.Queues] and [Store] is [platform.Store], both
// over NATS JetStream. The server runs inside this process, on a directory of
// its own, or elsewhere, where several engines share it.
//
// # The log
//
// All queues are one log, a stream of JetStream with one subject. A record of
// the log is a list of facts: this message went to these queues, these have
// been acknowledged, this queue is bound to that pattern. Each engine reads
// the log into memory (bodies stay where they are) and answers from there.
//
// A caller that wants something stored waits for the committer, a goroutine
// that makes one record of all waiting operations and appends it behind the last
// record it knows. So a hundred publishers share one sync of the disk, and a
// message for several queues is in all of them or in none. If another engine was
// faster, JetStream refuses the record; the committer reads what is new and runs
// the operations again. So every answer holds for the whole log, and a record
// whose confirmation was lost cannot be stored twice.
//
// A message is named by its log and by the place of its record there. It keeps that
// [platform.MessageID] in all of its queues, when cleaning writes it again, and when a
// backup is restored, under another name too. Two copies of one directory that are both
// used give the same IDs to different messages.
//
// # Exchanges
//
// An owner enters the log with its exchange and with what it may listen to, and again
// when these change. What it was before the first time, as in a log of an earlier
// version, is the zero [platform.Owner]; its bindings then bring only what it publishes
// itself, until each is bound anew. A message is in the log once, with the numbers of its
// queues, at a few bytes for each. MaxFanOut is lowered where a record of the server
// would be too small for them.
//
// # Full queues
//
// What a full queue loses for a message is in the record that stores the message, with
// how many it has lost ever. So after a crash a message is in all of its queues, or
// counted as dropped there, or in none. When the disk of Dir comes near its reserve,
// messages of the largest queues that may drop go first, and only then publishers of
// those that refuse are refused. An earlier version cannot read a log with these facts,
// so all engines that share it must be stopped for the upgrade.
//
// # Leases
//
// An engine that has its log to itself keeps leases in memory; when its process
// has ended, everything unacknowledged is ready again. Engines that share a log
// write their leases into it, with the names of the consumers, so Peek of any of them
// shows who holds a message. When an engine has been silent for AckWait, the others put
// what it held back into the queues.
//
// # Attempts and parked messages
//
// How often a message has failed, and that it is parked, are facts about those only that
// have failed. They go with the message when cleaning writes it again. What makes room
// among parked messages is in the record that parks others, with how many there were
// ever. So all of that outlives every process, and all engines see the same. A consumer
// that consumes alone enters the log with its place, and its successor in another engine
// gets messages when it has left or its engine has been silent for AckWait. An earlier
// version cannot read a log with these facts either.
//
// # When JetStream cannot store
//
// Operations are refused with [platform.ErrUnavailable] after Config.Patience,
// wholly. The committer tries its record as long as a caller waits for it, and
// then a record of the operations that came later. Acknowledgements are records
// too, so consumers do not empty a full disk: an operator has to make room on
// it. A stream that could not write once refuses for good, so the engine ends the
// server of Dir and starts it again when some megabytes are free; Close is not
// needed.
//
// # Age
//
// Fetch and Read pass over messages that are older than Config.MaxAge. Now and
// then the engine removes such messages from the heads of the queues.
//
// # Erasing
//
// What a Save replaces or a Delete removes is gone from the files of Dir some seconds
// later, or after the next Open. A bucket that an earlier version made at URL
// forbids that; [Open] warns of it.
//
// # Locks and goroutines
//
// One mutex guards the state; no goroutine waits for anything while it holds it.
// An engine has these goroutines: a committer; a sweeper, which removes the head
// of the log; and an eraser, which overwrites the bytes of records that were
// replaced or deleted. With Dir one supervises the server and one sheds messages for the
// disk, with MaxAge one removes what is too old. An engine that shares its log has one
// that sends heartbeats and one that watches for those of other engines. Close waits for
// all of them.
package jetstream
