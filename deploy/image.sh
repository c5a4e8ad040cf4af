#!/bin/sh
# Makes the container image without any registry: from Debian packages, by mmdebstrap and docker import.
#
#     sh target/dist/image.sh [NAME:TAG]
#
# Needs: mmdebstrap, docker. Same contents as the Dockerfile beside it.
set -eu

name="${1:-hearth:latest}"
here="$(cd "$(dirname "$0")" && pwd)"
packages="bash-completion,build-essential,ca-certificates,curl,git,less,nano,openssh-client,passt,procps,python3,vim-tiny"

test -x "$here/hearth" || { echo "no executable beside this script; run \`cargo xtask dist\` first" >&2; exit 1; }

mmdebstrap --variant=minbase --include="$packages" \
    --customize-hook="copy-in $here/hearth /usr/local/bin" \
    "${SUITE:-bookworm}" - \
| docker import \
    --change 'ENV HEARTH_DATA_DIR=/var/lib/hearth' \
    --change 'VOLUME /var/lib/hearth' \
    --change 'EXPOSE 8090' \
    --change 'ENTRYPOINT ["/usr/local/bin/hearth"]' \
    --change 'CMD ["up", "--listen", "0.0.0.0:8090", "--public-url", "http://localhost:8090"]' \
    - "$name"

echo "made $name; start it with:
  docker run --detach --name hearth --init --publish 127.0.0.1:8090:8090 --volume hearth:/var/lib/hearth \\
    --cap-add SYS_ADMIN --cap-add NET_ADMIN --device /dev/net/tun \\
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined \\
    --cgroupns host --volume /sys/fs/cgroup:/sys/fs/cgroup $name
and find the one-time address for the first visit with: docker logs hearth"
