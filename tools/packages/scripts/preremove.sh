#!/bin/sh
# Before a removal (remove, 0), and before an upgrade (upgrade, 1), which goes on serving.
set -e

case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now prismctl.service || true
	fi
	;;
esac
