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

// A session is one login of a user in one browser, shared by every app that
// the user visits with it (protocol chapter 4). It ends when its record is
// gone, and its grants with it, so the record outlives all of them.
type session struct {
	ID      string `json:"-"` // what apps get as session_id; in no record
	User    User
	Began   time.Time // zero: before it was noted
	Epoch   string    // the user's, when the password was checked; "" if there is none
	Expires time.Time // idle from then on: the user has to log in again
	Keys    []string  // their holders, of the apps that the user was logged in to
}

// sessionRef is by what other records name a session, and its own lies under. It
// does not tell the ID.
func sessionRef(id string) string { return digest("session " + id) }

// errSessionOver says that a session has ended while it was being used.
var errSessionOver = errors.New("platform: the session is over")

// sessionID returns the ID of the session that belongs to a browser's cookie.
// Apps know the one and can not find out the other.
func sessionID(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26])
}

// sessionTTL is for how long a session's record is kept after a use.
func (p *Platform) sessionTTL() time.Duration {
	return p.cfg.OAuth.SessionIdle + p.cfg.OAuth.CodeLife + p.grantTTL()
}

// beginSession makes a session of user and the secret by which the user's
// browser is known again.
func (p *Platform) beginSession(ctx context.Context, user User) (cookie string, s *session, err error) {
	if user.ID == "" {
		return "", nil, errors.New("platform: Config.Users returned a user without an ID")
	}
	if !utf8.ValidString(user.ID) { // in a record it would become somebody else's
		return "", nil, errors.New("platform: Config.Users returned a user whose ID is not UTF-8")
	}
	cookie = randomName()
	now := p.cfg.Now()
	s = &session{ID: sessionID(cookie), User: user, Began: now, Epoch: user.epoch, Expires: now.Add(p.cfg.OAuth.SessionIdle)}
	err = saveRecord(ctx, p.cfg.Store, kindSession, sessionRef(s.ID), s, 0, p.sessionTTL())
	if err != nil {
		return "", nil, err
	}
	return cookie, s, nil
}

// liveSession returns the session of a browser and extends its life; nil when
// there is none, or it was idle for too long, or it has ended.
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

// knownSession returns the session of a browser also when it is idle, so that
// its user can log out: apps may still refresh their tokens. It is nil when
// there is none.
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

// extendSession lets a session live for SessionIdle from now, unless allow
// refuses. It matches errSessionOver when there is none or it is idle.
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
			return false, nil // many check one session at a time; if the clock was ahead, its word is taken back
		}
		s.Expires = expires
		return true, nil
	})
}

// keepSession lets the record of a session outlive a grant that begins now,
// and notes the key that gets it.
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

// checkSession matches errSessionOver when a session has lasted for as long as it
// may, or its user may not be logged in any more.
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

// userEpoch returns the epoch of a user, or "" where there are none.
func (p *Platform) userEpoch(ctx context.Context, login string) (string, error) {
	users, ok := p.cfg.Users.(UserEpochs)
	if !ok {
		return "", nil
	}
	return users.Epoch(ctx, login)
}

// endSession ends a session everywhere: no app's session_check, refresh or
// access token is good from now on.
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
