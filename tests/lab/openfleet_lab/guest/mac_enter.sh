# shellcheck shell=sh
# mac_enter.sh COMMAND...: becomes the command where this host looks like a Mac: without /proc, systemd and os-release.
# The programs of a Mac find /proc in /run/mac/proc, the host's own init goes on outside.
mkdir -p /run/mac/proc
# shellcheck disable=SC2016  # for the inner shell
exec unshare -m --propagation private /bin/sh -c '
    mount --bind /proc /run/mac/proc && mount -t tmpfs none /proc && mount -t tmpfs none /run/systemd &&
        mount --bind /dev/null /usr/lib/os-release || exit 1
    [ -e /run/mac/booted ] || { : >/run/mac/booted; /opt/mac/mac_stand_in.py boot; }
    exec "$@"' sh "$@"
