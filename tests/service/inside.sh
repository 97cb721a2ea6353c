#!/bin/sh
# First process of new namespaces: puts a layer in memory over a root, and becomes systemd on it.
#   inside.sh FOLDER ROOT [SOURCE TARGET]...
# FOLDER is an empty directory to mount on, ROOT this machine's / or the files of another; each SOURCE is shown read-only
# at TARGET. Nothing is written outside the layer.
set -eu
layer=$1
below=$2
root=$layer/root
shift 2

mount --make-rprivate /
mount -t tmpfs -o mode=755 layer "$layer"
mkdir "$layer/changes" "$layer/spare" "$root"
mount -t overlay -o "lowerdir=$below,upperdir=$layer/changes,workdir=$layer/spare" root "$root"

# The kernel's own file systems: what reaches beyond the namespaces can be read only.
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
for part in sys sysrq-trigger irq bus fs; do
    [ -e "$root/proc/$part" ] || continue
    mount --bind "$root/proc/$part" "$root/proc/$part"
    mount -o remount,bind,ro "$root/proc/$part"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
# Or systemd would mount the old hierarchies as well where the machine has them, and write into them.
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
for node in null zero full random urandom tty; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s pts/ptmx "$root/dev/ptmx"
mkdir "$root/dev/mqueue" # where services with message queues of their own get them
for place in run tmp mnt; do
    mount -t tmpfs "$place" "$root/$place"
done
chmod 1777 "$root/tmp"
while [ $# -gt 0 ]; do
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro "$root$2"
    shift 2
done

# Nothing of what this machine would start is started: a bus and a journal, and what a test asks for.
units=$root/lib/systemd/system
rm -rf "$root/etc/systemd" "$root/run/systemd" "$units"/*.wants "$root"/lib/systemd/system-generators \
    "$root"/lib/systemd/system-environment-generators "$root/var/lib/systemd" "$root/var/log/journal"
mkdir -p "$root/etc/systemd/system" "$units/sockets.target.wants" "$units/timers.target.wants"
for socket in dbus systemd-journald systemd-journald-dev-log; do
    ln -s "../$socket.socket" "$units/sockets.target.wants/"
done
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nRateLimitIntervalSec=0\n' >"$root/etc/systemd/journald.conf"
rm -f "$root/etc/machine-id" "$root/etc/fstab"
printf '%s\n' 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
: >"$root/etc/fstab"

mkdir "$root/run/before"
cd "$root"
pivot_root . run/before
mount --make-rslave /run/before
umount -l /run/before
rmdir /run/before
mount --make-rshared / # as an init finds it; services get their own view of it
ip link set lo up 2>/dev/null || true
# `container` tells systemd to leave clock, console, modules and settings of the kernel alone; what it cannot do it cannot.
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-sys_boot,-syslog,-wake_alarm,-mac_admin,-mac_override \
    /lib/systemd/systemd --unit=multi-user.target --log-target=journal --show-status=no </dev/null >/dev/null 2>&1
