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
// in a row enclose an empty word. A word such as "ord*" is an ordinary word.
//
// # Order and redelivery
//
// A queue numbers its messages as they arrive and delivers them in that order.
// Closing a consumer puts unacknowledged messages back to their places by number,
// before everything that arrived later. Consumers that wait are
// served in the order in which they began to wait; a message wakes one of
// them.
//
// # Locks
//
// Each owner has one mutex, which guards its queues, bindings and consumers.
// So a message for several queues is stored in all of them or in none, no two
// locks are ever held together, and owners do not slow each other down. How
// long the lock is held depends on the messages that are moved, not on how many
// are in the queue. Only Fetch waits, and it waits without the lock. So the other
// methods ignore their context.
package memory
