#!/bin/sh
# After an installation (configure, 1) and an upgrade (configure VERSION, 2).
set -e

if ! getent passwd prism >/dev/null; then
	group=--user-group
	if getent group prism >/dev/null; then
		group="--no-user-group --gid prism"
	fi
	# shellcheck disable=SC2086
	useradd --system $group --home-dir /var/lib/prism --no-create-home --shell /usr/sbin/nologin prism
fi
[ -d /var/lib/prism ] || install -d -m 700 -o prism -g prism /var/lib/prism

# The secret of the operator, which the unit hands to the platform.
secret=/etc/prism/operator.secret
if [ ! -e "$secret" ]; then
	(umask 077 && head -c 15 /dev/urandom | base32 >"$secret.new")
	mv "$secret.new" "$secret"
fi

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart prismctl.service || true
fi
if [ "$1" = 1 ] || { [ "$1" = configure ] && [ -z "$2" ]; }; then
	echo "prismctl: its settings are /etc/prism/prismctl.toml. To start it: systemctl enable --now prismctl"
fi
