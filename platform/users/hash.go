package users

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
)

// MD5 is a Verify of [SQL] for tables that have the MD5 of each password in hex, as old
// shops do. Whoever steals such a table knows most of its passwords within the hour:
// change the hashes as soon as you can.
func MD5(hash, password string) (bool, error) {
	sum := md5.Sum([]byte(password))
	return sameHex(hash, sum[:])
}

// SHA1 is MD5 for tables with the SHA-1.
func SHA1(hash, password string) (bool, error) {
	sum := sha1.Sum([]byte(password))
	return sameHex(hash, sum[:])
}

func sameHex(hash string, sum []byte) (bool, error) {
	if len(hash) != hex.EncodedLen(len(sum)) {
		return false, errors.New("it has another length than those of this kind")
	}
	same := subtle.ConstantTimeCompare([]byte(strings.ToLower(hash)), []byte(hex.EncodeToString(sum)))
	return same == 1, nil
}
