package main

import "fmt"

// idlers are the libraries whose idle connections are compared.
var idlers = []library{ours, coder, gorilla, gorillaPool, gwsLib}

func idleSocketFigures() (all []figure) {
	for _, lib := range idlers {
		all = append(all, figure{"idle socket, " + lib.name, "KiB", 0})
	}
	return all
}

func openIdleSockets() (*meter, error) {
	return &meter{read: idleSocketMemories, close: func() {}}, nil
}

// idleSocketMemories measures idlers, in KiB.
func idleSocketMemories(connections int) ([]float64, error) {
	all := make([]float64, len(idlers))
	for i, lib := range idlers {
		bytes, err := idleSocketMemory(lib, connections)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lib.name, err)
		}
		all[i] = bytes / 1024
	}
	return all, nil
}

// idleSocketMemory returns the bytes of heap and stacks that a server's
// connection of a library takes while nothing happens. It has answered a ping
// and is in a read. As in idleMemory, the bare client is counted too.
func idleSocketMemory(lib library, connections int) (float64, error) {
	s := serveSockets(lib, func(end, []byte) {})
	defer s.close()
	clients := make([]*bare, 0, connections)
	defer func() {
		for _, b := range clients {
			b.conn.Close()
		}
	}()
	before := inUse()
	for range connections {
		b, err := dial(s.http.Listener.Addr().String(), "/")
		if err != nil {
			return 0, err
		}
		clients = append(clients, b)
		if err := b.ping(); err != nil {
			return 0, err
		}
		b.out = nil
	}
	after := inUse()
	return float64(after-before) / float64(connections), nil
}
