# shellcheck shell=sh
# supervise.sh NAME ROOT NETNS CGROUP PIDFILE: keeps one host running, through its reboots, in a cgroup of its own.
# Started in a mount namespace of its own, so that the guest sees a pure cgroup2 tree.
name=$1 root=$2 netns=$3 cgroup=$4 pidfile=$5
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup || exit 1
mkdir -p "/sys/fs/cgroup/$cgroup" && echo $$ > "/sys/fs/cgroup/$cgroup/cgroup.procs" || exit 1
echo $$ > "$pidfile"
stopping=
trap 'stopping=1; kill -TERM "$guest"' TERM
while :; do
    systemd-nspawn -q -D "$root" --machine="$name" --hostname="$name" --boot --register=no --keep-unit \
        --link-journal=no --resolv-conf=off --timezone=off --network-namespace-path="/run/netns/$netns" &
    guest=$!
    wait "$guest"
    code=$?
    while kill -0 "$guest" 2>/dev/null; do
        wait "$guest"
        code=$?
    done
    # 133: the guest asked for a reboot
    [ "$code" = 133 ] && [ -z "$stopping" ] || exit "$code"
done
