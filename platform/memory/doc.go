// Package memory is the platform's engine for one process: messages, keys,
// apps, users and sessions are in memory and are lost when the process ends.
//
// [Queues] implements [platform.Queues] and [Store] implements [platform.Store].
// Neither starts a goroutine, so there is nothing to close.
//
// # Routing
//
// Publish routes as a topic exchange does (protocol chapter 3): routing keys
// and patterns are words between dots; in a pattern, * is any one word and #
// is any number of words, none included. An empty key has no words; two dots
// in a row enclose an empty word. A word such as "ord*" is an ordinary word. In a key
// that begins with "@system.", neither * nor # stands for the first word.
//
// # Order and redelivery
//
// The engine numbers messages as they arrive, and queues deliver them in that order; the
// number is that of the ID.
// Closing a consumer puts unacknowledged messages back to their places by number,
// before everything that arrived later. Consumers that wait are
// served in the order in which they began to wait; a message wakes one of
// them.
//
// # Attempts and parking
//
// How often a message was tried in a queue is noted beside it there, so a message that
// never failed costs nothing. What is parked keeps its number, and has its old place when
// it is put back. A message that is parked while a waiting Fetch is about to return it
// stays parked, and the Fetch waits on.
//
// # Full queues
//
// A message that needs room under the bound of an owner, or over all, and finds none,
// makes the largest of the queues that may drop give up their oldest messages: one
// thirty-second of the bound at once, at most 1,000 messages, so that room need not be
// looked for often. That the message itself goes to a queue that drops makes no
// difference, so a queue that nobody reads does not take the room of the others.
//
// # Locks
//
// Each exchange has one mutex, which guards its owners with their queues, bindings and
// consumers. So a message for several queues is stored in all of them or in none, and
// exchanges do not slow each other down. Two of these locks are held together only while
// an owner moves from one exchange to another. How long a lock is held depends on the
// messages that are moved and the queues that get them, not on how many there are; Peek
// and Parked look at all that consumers hold, or that is parked. Park and Unpark move what
// is ready in front of their messages. Only Fetch waits, and it waits without the lock. So
// the other methods ignore their context.
package memory
