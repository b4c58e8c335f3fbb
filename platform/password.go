package platform

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	passwordScheme     = "pbkdf2-sha256"
	passwordIterations = 600_000
	passwordSalt       = 16 // bytes
)

// Bounds of the iterations in the hash of a password that a person chose.
// [CheckPassword] accepts fewer, too: a random password needs no slow hash.
const (
	MinIterations = 100_000    // with fewer, many passwords are guessed from a stolen hash
	MaxIterations = 10_000_000 // with more, a login would take many seconds
)

// HashPassword returns a text to keep in place of a password: PBKDF2 with
// HMAC-SHA-256 and a random salt, with all that [CheckPassword] needs. More
// iterations take proportionally longer, here and for an attacker that guesses;
// zero means 600,000.
func HashPassword(password string, iterations int) (string, error) {
	setDefault(&iterations, passwordIterations)
	if iterations < 1 || iterations > MaxIterations {
		return "", fmt.Errorf("platform: %d iterations to hash a password; it must be 1 to %d", iterations, MaxIterations)
	}
	salt := make([]byte, passwordSalt)
	rand.Read(salt) // never fails
	hash, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("platform: hashing a password: %w", err)
	}
	return formatHash(iterations, salt, hash), nil
}

// decoyHash returns a hash that takes as long to check as that of a password, and that
// no password matches.
func decoyHash(iterations int) string {
	random := make([]byte, passwordSalt+sha256.Size)
	rand.Read(random) // never fails
	return formatHash(iterations, random[:passwordSalt], random[passwordSalt:])
}

// burn takes as long as a check of so many iterations.
func burn(password string, iterations int) {
	if iterations > 0 {
		_, _ = pbkdf2.Key(sha256.New, password, make([]byte, passwordSalt), iterations, sha256.Size)
	}
}

// PasswordIterations returns the iterations of a hash of [HashPassword], even if they are
// too many for CheckPassword. For any other text it returns an error.
func PasswordIterations(hash string) (int, error) {
	iterations, _, _, err := parseHash(hash)
	if iterations > MaxIterations {
		return iterations, nil
	}
	return iterations, err
}

func formatHash(iterations int, salt, hash []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("%s$%d$%s$%s", passwordScheme, iterations, b64.EncodeToString(salt), b64.EncodeToString(hash))
}

// CheckPassword reports whether hash is a hash of password. The time that it takes does
// not depend on how much of the password is right. It returns an error if hash is not a
// hash of [HashPassword].
func CheckPassword(hash, password string) (bool, error) {
	iterations, salt, want, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	got, err := pbkdf2.Key(sha256.New, password, salt, iterations, len(want))
	if err != nil {
		return false, fmt.Errorf("platform: checking a password: %w", err)
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

var errPasswordHash = errors.New("platform: the hash of a password is not one that HashPassword made; make it anew")

func parseHash(text string) (iterations int, salt, hash []byte, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 4 || parts[0] != passwordScheme {
		return 0, nil, nil, errPasswordHash
	}
	iterations, err = strconv.Atoi(parts[1])
	if err != nil || iterations < 1 {
		return 0, nil, nil, errPasswordHash
	}
	if iterations > MaxIterations {
		return iterations, nil, nil, fmt.Errorf("platform: the hash of a password has %d iterations; more than %d take too long at each login: make it anew", iterations, MaxIterations)
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[2])
	hash, hashErr := base64.RawStdEncoding.DecodeString(parts[3])
	if saltErr != nil || hashErr != nil || len(salt) < passwordSalt || len(hash) != sha256.Size {
		return 0, nil, nil, errPasswordHash
	}
	return iterations, salt, hash, nil
}
