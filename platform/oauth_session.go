package platform

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A session is one login of a user in one browser, shared by all apps that the user
// visits with it (protocol chapter 4). It ends when its record is deleted, and its grants
// with it, so the record is kept for longer than all of them.
type session struct {
	ID      string `json:"-"` // the session_id that apps get; in no record
	User    User
	Began   time.Time // zero in records of older versions
	Epoch   string    // of User when the password was checked, or ""
	Expires time.Time // when the session becomes idle: the user then has to log in again
	Keys    []string  // holders of the keys of the apps that the user was logged in to
}

// sessionRef is the name of a session's record, and its name in other records. The ID
// cannot be computed from it.
func sessionRef(id string) string { return digest("session " + id) }

// errSessionOver says that a session has ended while it was being used.
var errSessionOver = errors.New("platform: the session is over")

// sessionID returns the ID of the session of a browser's cookie. Apps know the ID, and
// the cookie cannot be computed from it.
func sessionID(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26])
}

// sessionTTL is how long the record of a session is kept after it was last used.
func (p *Platform) sessionTTL() time.Duration {
	return p.cfg.OAuth.SessionIdle + p.cfg.OAuth.CodeLife + p.grantTTL()
}

// beginSession makes a session of user, and the secret cookie that identifies the
// user's browser.
func (p *Platform) beginSession(ctx context.Context, user User) (cookie string, s *session, err error) {
	if user.ID == "" {
		return "", nil, errors.New("platform: Config.Users returned a user without an ID")
	}
	if !utf8.ValidString(user.ID) { // a record would change it to another ID
		return "", nil, errors.New("platform: Config.Users returned a user whose ID is not UTF-8")
	}
	cookie = randomName()
	now := p.cfg.Now()
	s = &session{ID: sessionID(cookie), User: user, Began: now, Epoch: user.Epoch, Expires: now.Add(p.cfg.OAuth.SessionIdle)}
	err = saveRecord(ctx, p.cfg.Store, kindSession, sessionRef(s.ID), s, 0, p.sessionTTL())
	if err != nil {
		return "", nil, err
	}
	return cookie, s, nil
}

// liveSession returns the session of a browser and extends it. It is nil if there is
// none, or it was idle for too long, or it has ended.
func (p *Platform) liveSession(ctx context.Context, cookie string) (*session, error) {
	if cookie == "" {
		return nil, nil
	}
	id := sessionID(cookie)
	s, err := p.extendSession(ctx, sessionRef(id), func(*session) error { return nil })
	if err != nil {
		return nil, unless(err, errSessionOver)
	}
	s.ID = id
	return s, nil
}

// knownSession returns the session of a browser even if it is idle, so that its user can
// log out: apps may still refresh their tokens. It is nil if there is none.
func (p *Platform) knownSession(ctx context.Context, cookie string) (*session, error) {
	if cookie == "" {
		return nil, nil
	}
	id := sessionID(cookie)
	s, _, err := loadRecord[session](ctx, p.cfg.Store, kindSession, sessionRef(id))
	if err != nil {
		return nil, unless(err, ErrNoRecord)
	}
	s.ID = id
	return s, nil
}

// extendSession extends a session to SessionIdle from now, unless allow returns an error.
// The error matches errSessionOver if there is no session or it is idle.
func (p *Platform) extendSession(ctx context.Context, ref string, allow func(*session) error) (*session, error) {
	return p.changeSession(ctx, ref, func(s *session) (bool, error) {
		now := p.cfg.Now()
		if !now.Before(s.Expires) {
			return false, errSessionOver
		}
		if err := allow(s); err != nil {
			return false, err
		}
		expires := now.Add(p.cfg.OAuth.SessionIdle)
		if longer := expires.Sub(s.Expires); longer < time.Second && longer > -time.Minute {
			return false, nil // avoids a write for each of many checks; a clock that was ahead is corrected
		}
		s.Expires = expires
		return true, nil
	})
}

// keepSession keeps the record of a session for longer than a grant that begins now, and
// adds the holder of the key that gets the grant.
func (p *Platform) keepSession(ctx context.Context, ref, key string) (*session, error) {
	return p.changeSession(ctx, ref, func(s *session) (bool, error) {
		if !slices.Contains(s.Keys, key) {
			s.Keys = append(s.Keys, key)
		}
		return true, nil
	})
}

func (p *Platform) changeSession(ctx context.Context, ref string, change func(*session) (bool, error)) (*session, error) {
	s, err := updateRecord(ctx, p.cfg.Store, kindSession, ref, p.sessionTTL(), func(s *session) (bool, error) {
		if err := p.checkSession(ctx, s); err != nil {
			return false, err
		}
		return change(s)
	})
	if errors.Is(err, ErrNoRecord) {
		return nil, errSessionOver
	}
	return s, err
}

// checkSession returns an error that matches errSessionOver if a session has reached
// SessionLife, or its user may not be logged in any more.
func (p *Platform) checkSession(ctx context.Context, s *session) error {
	if !s.Began.IsZero() && !p.cfg.Now().Before(s.Began.Add(p.cfg.OAuth.SessionLife)) {
		return errSessionOver
	}
	if s.Epoch == "" && !s.Began.IsZero() {
		return nil
	}
	epoch, err := p.userEpoch(ctx, s.User.Login)
	switch {
	case errors.Is(err, ErrUnknownUser):
		return errSessionOver
	case err == nil && epoch != "" && epoch != cmp.Or(s.Epoch, firstEpoch):
		return errSessionOver
	}
	return err
}

// userEpoch returns the epoch of a user, or "" if Users has no epochs.
func (p *Platform) userEpoch(ctx context.Context, login string) (string, error) {
	users, ok := p.cfg.Users.(UserEpochs)
	if !ok {
		return "", nil
	}
	return users.Epoch(ctx, login)
}

// endSession ends a session at all apps: their access and refresh tokens are not valid
// any more, and session_check says that it has ended.
func (p *Platform) endSession(ctx context.Context, id string) error {
	return deleteRecord(ctx, p.cfg.Store, kindSession, sessionRef(id))
}

// unless returns err, or nil if it matches absent.
func unless(err, absent error) error {
	if errors.Is(err, absent) {
		return nil
	}
	return err
}
