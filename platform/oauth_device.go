package platform

import (
	"context"
	"crypto/hmac"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/shopex/prism-go/sign"
)

// A browser in which a user has logged in keeps a cookie that proves it, and has its
// own count of wrong passwords, so that wrong guesses elsewhere do not lock the user out.
// A thief of the cookie has no more guesses than one address has without it.
const (
	deviceCookie = "prism_device"
	deviceLife   = 180 * 24 * time.Hour
)

// A deviceKey signs these cookies. There is one record of it, which all processes use.
type deviceKey struct{ Secret string }

const kindDevice = "device"

// deviceSecret returns the secret of the device key. The first call makes it.
func (p *Platform) deviceSecret(ctx context.Context) (string, error) {
	k, _, err := loadRecord[deviceKey](ctx, p.cfg.Store, kindDevice, "key")
	if !errors.Is(err, ErrNoRecord) {
		if err != nil {
			return "", err
		}
		return k.Secret, nil
	}
	k = &deviceKey{randomName() + randomName()}
	err = saveRecord(ctx, p.cfg.Store, kindDevice, "key", k, 0, 0)
	if errors.Is(err, ErrConflict) { // another process has just made it
		k, _, err = loadRecord[deviceKey](ctx, p.cfg.Store, kindDevice, "key")
	}
	if err != nil {
		return "", err
	}
	return k.Secret, nil
}

// deviceProof returns the proof that login has logged in on device.
func deviceProof(secret, device, login string) string {
	return digest(string(sign.DeriveKey(secret, device+" "+sameLogin(login))))
}

// knownDevice returns the device that r comes from if login has logged in there, and
// otherwise "".
func (p *Platform) knownDevice(r *http.Request, login string) (string, error) {
	device, proof, ok := strings.Cut(p.cookie(r, deviceCookie), ".")
	if !ok || !formTokens.MatchString(device) {
		return "", nil
	}
	secret, err := p.deviceSecret(r.Context())
	if err != nil || !hmac.Equal([]byte(proof), []byte(deviceProof(secret, device, login))) {
		return "", err
	}
	return device, nil
}

// rememberDevice sets the cookie of a device on which login has logged in. A known
// device stays the same.
func (p *Platform) rememberDevice(w http.ResponseWriter, r *http.Request, login string) error {
	device, err := p.knownDevice(r, login)
	if err != nil {
		return err
	}
	if device == "" {
		device = randomName()
	}
	secret, err := p.deviceSecret(r.Context())
	if err != nil {
		return err
	}
	c := p.newCookie(r, deviceCookie, device+"."+deviceProof(secret, device, login))
	c.MaxAge = int(deviceLife / time.Second)
	http.SetCookie(w, c)
	return nil
}
