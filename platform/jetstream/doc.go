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
// Whoever wants something stored waits for the clerk, a goroutine that makes
// one record of everything that waits and appends it behind the last record it
// knows. So a hundred publishers share one sync of the disk, and a message for
// several queues is in all of them or in none. If another engine was faster
// JetStream refuses the record; the clerk reads what is new and asks everyone
// again. So every answer holds for the whole log, and a record whose
// confirmation was lost cannot be stored twice.
//
// # Leases
//
// An engine that is alone with its log keeps in memory what consumers hold;
// when its process has ended everything unacknowledged is ready again. Engines
// that share a log write their leases down, and what an engine held that has
// been silent for AckWait is put back by the others.
//
// # When JetStream cannot store
//
// Operations are refused with [platform.ErrUnavailable] after Config.Patience,
// wholly. The clerk tries its record as long as somebody waits for it, and then
// the one of those who came later. Acknowledgements are records too, so a full
// disk is not emptied by consumers: somebody has to make room on it. A stream
// that could not write once refuses for good, so the engine ends the server of
// Dir and starts it again when some megabytes are free; Close is not needed.
//
// # Age
//
// Whoever takes messages looks at their Time and passes over those beyond
// Config.MaxAge. The others are removed from the heads of the queues now and then.
//
// # Erasing
//
// What a Save replaces or a Delete removes is gone from the files of Dir some seconds
// later, or after the next Open. A bucket that an earlier version has made at URL
// forbids that; [Open] warns of it.
//
// # Locks and goroutines
//
// One mutex guards the state; it is never held while something is waited for.
// An engine has a clerk, a sweeper that removes the head of the log, and an eraser that
// overwrites the bytes of records that were replaced or deleted. With Dir
// there is one that looks after the server, with MaxAge one that removes what is
// too old, and when it shares its log one that gives signs of life and one that
// watches for those of others. Close waits for all of them.
package jetstream
