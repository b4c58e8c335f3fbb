// Package prism calls the APIs of a ShopEx Prism platform: it signs requests,
// reads the answers, and repeats calls that may be repeated.
//
//	package main
//
//	import (
//		"context"
//		"errors"
//		"fmt"
//		"log"
//		"os"
//		"time"
//
//		prism "github.com/shopex/prism-go"
//	)
//
//	func main() {
//		client, err := prism.New(prism.Config{
//			Server: "https://example.com/api",
//			Key:    os.Getenv("PRISM_KEY"),
//			Secret: os.Getenv("PRISM_SECRET"),
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
//		defer cancel()
//
//		res, err := client.Get(ctx, "platform/notify/status", prism.Params{"topic": "messages"})
//		if errors.Is(err, prism.ErrUnauthorized) {
//			log.Fatal("wrong key or secret: ", err)
//		}
//		if err != nil {
//			log.Fatal(err)
//		}
//		var status struct{ Messages, Consumers int }
//		if err := res.Decode(&status); err != nil {
//			log.Fatal(err)
//		}
//		fmt.Println(status.Messages, "messages,", status.Consumers, "consumers")
//	}
//
// The protocol is in docs/protocol.md of this module: chapter 2 has the signature
// and the envelopes of answers.
//
// # Requests
//
// GET and DELETE carry the parameters of a call in the query, POST and PUT in a
// form body. A query in the path stays in the query. [Params] says how values
// are written, and [Call] how to add headers, a user's token, or the permission
// to repeat. Each try is signed anew for its own time.
//
// # Answers
//
// [Client.Do] reads an answer to its end, at most Config.MaxBody bytes, and
// looks for one of three envelopes. A body is in an envelope if it is a JSON
// object of one of these kinds, looked for in this order:
//
//   - JSON-RPC: jsonrpc is a string, and there is result or error.
//   - Matrix: rsp is "succ" or "fail", and there is res, data, err_msg or
//     msg_id. The result is data, or the whole object if it has none.
//   - Platform: there are result and error, and beside them at most code, data,
//     error_description, error_uri, exception, id, message, msg or request_id; or
//     any members at all, if result is empty and error is not. An object
//     with error alone, or with those neighbours except data, counts if error is
//     an object or a string: OAuth failures look like this.
//
// It is a failure if rsp is "fail", or if error is not empty. Empty are null,
// false, 0, "0", "", [] and {}, and an object whose code and message are empty.
// Every other body is the API's own and is decoded as it is: {"result": 1} alone,
// {"error": null} alone, or an object with result, error null and a member that no
// envelope has.
//
// Answers of Prism itself, and not of an API behind it, are read by
// [Response.Result]: anything but Prism's own envelope is an [*AnswerError] there,
// so that the page of a proxy is never taken for success.
//
// # Errors
//
// What the platform or an API says is an [*Error], found by [errors.As], with
// sentinels such as [ErrUnauthorized] for [errors.Is]. HTTP status 400 and above
// is a failure whatever the body says. Redirects are failures too: they are
// never followed, as the signature would not fit.
//
// # Time
//
// Signatures are valid for some minutes around the platform's time. If the
// platform refuses the time of a signature, the client takes the time from the
// answer's Date header, and tries that call once more, which does not count as
// a repetition. It does so over https and on this machine; elsewhere an attacker
// on the way could obtain signatures for another time. A clock that is more than a
// day wrong is not corrected, and the error shows both times. Clients made by
// [Client.WithToken] share the correction.
//
// # Repetition
//
// Repeating is a property of a call, not of its method; [Call] and [Retry] tell
// when and how often. Nothing else is sent twice: net/http would send a GET again
// when a reused connection turns out to be closed, and is prevented from it.
//
// # Adapters
//
// Packages such as notify, oauth and admin are built on a [Client], and others can be,
// too. [Client.Upgrade], [Client.OAuth], [Client.DeriveKey], [Client.Key],
// [Client.Server] and [Client.Logger] are for them; a program that only calls APIs does
// not need these.
//
// # Secrets
//
// The secret signs and is not sent, unless Config.SecretMode asks for it. No
// error and no log record shows the secret, a signature, a token or an OAuth
// code; if a server repeats one in its message, it reads ***. [Response] holds
// what was received, unchanged.
package prism
