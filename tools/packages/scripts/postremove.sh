#!/bin/sh
# After a removal (remove, 0) and a purge, which an rpm does not have. What the platform keeps
# is never removed, and neither is the user, who owns it.
set -e

case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload || true
	fi
	;;
purge)
	rm -f /etc/prism/operator.secret /etc/prism/operator.secret.new
	rmdir /etc/prism 2>/dev/null || true # unless there is more in it
	;;
esac
case "$1" in
purge | 0)
	if [ -d /var/lib/prism ]; then
		echo "prismctl: messages, apps, keys and users are left in /var/lib/prism, logs in /var/log/prism, and the user prism owns them. To remove them, too: rm -r /var/lib/prism /var/log/prism; userdel prism"
	fi
	;;
esac
