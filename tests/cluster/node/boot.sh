#!/bin/sh
# First process of a node's container: opens what the engine left read-only, then starts each component
# of /node/run in order and starts it again when it ends. A file /run/hold/NAME keeps NAME down.
set -u

log() { echo "$(date +%T) $*"; }

mount -o remount,rw /sys
for place in /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /proc/fs /sys/fs/cgroup /sys/fs/cgroup/*; do
    mountpoint -q "$place" && mount -o remount,bind,rw "$place"
done
mount --make-rshared /

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    # cgroup v2 allows no process beside child groups: leave the root before handing controllers down.
    mkdir -p /sys/fs/cgroup/boot
    for process in $(cat /sys/fs/cgroup/cgroup.procs); do
        echo "$process" > /sys/fs/cgroup/boot/cgroup.procs 2>/dev/null
    done
    for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
        echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
    done
fi

cat /node/resolv.conf > /etc/resolv.conf
# Address leases outlive a killed node; its pods do not.
rm -rf /var/lib/cni
mkdir -p /run/hold /var/lib/kubelet
while read -r route; do
    # shellcheck disable=SC2086
    ip route replace $route
done < /node/routes

supervise() {
    while :; do
        if [ -e "/run/hold/$1" ]; then
            sleep 0.1
            continue
        fi
        log "start $1"
        "/node/run/$2" >> "/var/log/node/$1.log" 2>&1
        log "$1 ended with $?"
        sleep 0.3
    done
}

for file in /node/run/*; do
    entry=${file##*/}
    supervise "${entry#*-}" "$entry" &
done
wait
