package engine

import "path/filepath"

// backupSocket is where a platform hands out a backup of its directory, as
// nobody else can open that meanwhile.
func backupSocket(dir string) string { return filepath.Join(dir, "backup.sock") }

// longestSocket is how long the name of a socket may be on every system.
const longestSocket = 100

// BackupAddress returns a name of the backup socket that is short enough for a
// socket, and what ends its validity.
func BackupAddress(dir string) (name string, release func(), err error) {
	name = backupSocket(dir)
	if len(name) <= longestSocket {
		return name, func() {}, nil
	}
	return shortSocket(dir)
}
