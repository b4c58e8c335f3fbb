// Package console is the console of a platform: pages on which people see what happens,
// find out why, and try again.
//
// It is an [http.Handler] in front of a [platform.Platform], and makes the platform's own
// calls in the name of whoever is logged in (platform.WithPerson). So it can do nothing
// that an admin key, package admin or prismctl cannot.
//
//	c, err := console.New(console.Config{Platform: p, Store: store, Registry: registry, Links: true})
//	if err != nil {
//		log.Fatal(err)
//	}
//	fmt.Println("http://127.0.0.1:8080" + c.Link())
//	log.Fatal(http.ListenAndServe("127.0.0.1:8080", c.Mount(p)))
//
// One gets in by [Console.Link], once, as the operator; or by a login of the platform's
// Users that has a role (platform.Registry.SaveRole).
//
// Each page is JSON, too: ask for it by Accept: application/json. It has the members of the
// answers of the calls that the page is made of.
package console
