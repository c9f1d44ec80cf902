// A receiver of Tenon's webhooks: checks a call by Standard Webhooks 1.0, answers 204, or 401 to what is forged.
//
//	go run receiver.go 8080 whsec_…      with the secret of the subscription
//	go run receiver.go 8080 whpk_…       with its public key
//
// Copy verify, and do what handle should do before it answers. Tenon sends again what was not answered with 2xx,
// under the same id; of one subject the event with the higher sequence is the newer.
package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

// Event is a CloudEvent.
type Event struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Subject  string          `json:"subject"`
	Sequence string          `json:"sequence"`
	Data     json.RawMessage `json:"data"`
}

// verify returns the event of a call, or an error if it is forged. Several signatures are sent while a secret is
// replaced.
func verify(key string, headers http.Header, body []byte) (Event, error) {
	var event Event
	timestamp := headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > tolerance {
		return event, errors.New("the time is missing, or too far from ours")
	}
	signed := append([]byte(headers.Get("webhook-id")+"."+timestamp+"."), body...)
	for _, signature := range strings.Fields(headers.Get("webhook-signature")) {
		if fits(key, signed, signature) {
			return event, json.Unmarshal(body, &event)
		}
	}
	return event, errors.New("no signature fits")
}

func fits(key string, signed []byte, signature string) bool {
	scheme, text, _ := strings.Cut(signature, ",")
	given, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	if secret, ok := strings.CutPrefix(key, "whsec_"); ok && scheme == "v1" {
		raw, err := base64.StdEncoding.DecodeString(secret)
		mac := hmac.New(sha256.New, raw)
		mac.Write(signed)
		return err == nil && hmac.Equal(given, mac.Sum(nil))
	}
	if public, ok := strings.CutPrefix(key, "whpk_"); ok && scheme == "v1a" {
		raw, err := base64.StdEncoding.DecodeString(public)
		return err == nil && len(raw) == ed25519.PublicKeySize && ed25519.Verify(raw, signed, given)
	}
	return false
}

// handle keeps the event, then returns: Tenon waits for the answer.
func handle(event Event) {
	fmt.Println(event.Type, event.ID)
}

func main() {
	port, key := os.Args[1], os.Args[2]
	http.HandleFunc("POST /", func(answer http.ResponseWriter, call *http.Request) {
		body, err := io.ReadAll(call.Body)
		if err != nil {
			return
		}
		event, err := verify(key, call.Header, body)
		if err != nil {
			answer.WriteHeader(http.StatusUnauthorized)
			return
		}
		handle(event)
		answer.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
