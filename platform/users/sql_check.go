package users

import (
	"cmp"
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

// epochBytes is how much an epoch has of a hash. It is in the records of sessions, where it
// must help nobody to guess a password: so many hashes share it that a change goes unnoticed
// once in 65,536 times.
const epochBytes = 2

// Epoch implements [platform.UserEpochs]. An answer of the database counts for CheckEvery,
// and for longer while the database cannot be asked; when there was none yet, the error
// matches [platform.ErrUnavailable] and [ErrUnavailable].
func (s *SQL) Epoch(ctx context.Context, login string) (string, error) {
	if err := s.Check(); err != nil || !s.checks() {
		return "", err
	}
	if !isText(login) {
		return "", platform.ErrUnknownUser
	}
	ask := func(ctx context.Context) (string, error) {
		epoch, err := s.epochNow(ctx, login)
		switch {
		case err != nil:
			return "", unavailable(ctx, "", "the database was asked whether a user may still be logged in", err)
		case epoch == "":
			return "", platform.ErrUnknownUser
		}
		return epoch, nil
	}
	return s.epochs.of(ctx, login, check{s.every(), cmp.Or(s.Timeout, defaultTimeout), s.Logger, ask})
}

// checks reports whether the database can say that a session is over.
func (s *SQL) checks() bool { return s.CheckEvery >= 0 && (!s.Compare || s.CheckQuery != "") }

func (s *SQL) every() time.Duration { return cmp.Or(s.CheckEvery, defaultCheck) }

// epochNow returns the epoch that the database has, or "" if the user may not log in.
func (s *SQL) epochNow(ctx context.Context, login string) (string, error) {
	if s.CheckQuery != "" {
		return s.checked(ctx, login)
	}
	user, err := s.query(ctx, login, "")
	if err != nil || user == nil {
		return "", err
	}
	return user.epoch(), nil
}

// epochAtLogin returns the epoch by CheckQuery, which is asked before the password is
// checked; "" without one.
func (s *SQL) epochAtLogin(ctx context.Context, login string) (string, error) {
	if s.CheckQuery == "" || !s.checks() {
		return "", nil
	}
	return s.checked(ctx, login)
}

// checked returns what the row of CheckQuery says, or "" if there is none.
func (s *SQL) checked(ctx context.Context, login string) (epoch string, err error) {
	err = s.one(ctx, s.CheckQuery, []any{login}, func(rows *sql.Rows) error {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		values, err := scan(rows, len(columns))
		var all strings.Builder
		for _, value := range values {
			all.WriteString(quoted(value))
		}
		epoch = epochOf("", all.String(), epochBytes)
		return err
	})
	return epoch, err
}

// quoted returns a value so that no two rows look alike.
func quoted(value sql.NullString) string {
	if !value.Valid {
		return "-"
	}
	return "'" + strings.ReplaceAll(value.String, "'", "''") + "'"
}

func (r *row) epoch() string {
	if r == nil {
		return ""
	}
	return epochOf(r.id, r.hash, epochBytes)
}
