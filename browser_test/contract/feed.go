package contract

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/golang-jwt/jwt/v5"
)

// hear polls the feed of endings from a cursor on until an answer has an ending of a
// session. The other scripts' endings are in it too.
func (s *script) hear(args []string) error {
	key, after, session := args[0], args[1], args[2]
	for range 100 {
		if err := s.server([]string{"/events/poll", key, "", `{"after":` + after + `}`}); err != nil {
			return err
		}
		n, err := s.heard([]string{session})
		if err != nil || n != "0" {
			return err
		}
		if after, err = s.lookup("after"); err != nil {
			return err
		}
	}
	return fmt.Errorf("the feed does not say that %s ended", session)
}

// heard returns how many endings of a session are in the last answer. That they are signed
// is for the tests of the feed.
func (s *script) heard(args []string) (string, error) {
	var answer struct {
		Sets map[string]string `json:"sets"`
	}
	if err := json.Unmarshal([]byte(s.answer.Body), &answer); err != nil {
		return "", err
	}
	n := 0
	for _, set := range answer.Sets {
		var ending struct {
			jwt.RegisteredClaims
			Subject struct {
				Session struct{ ID string } `json:"session"`
			} `json:"sub_id"`
		}
		if _, _, err := jwt.NewParser().ParseUnverified(set, &ending); err != nil {
			return "", err
		}
		if ending.Subject.Session.ID == args[0] {
			n++
		}
	}
	return strconv.Itoa(n), nil
}
