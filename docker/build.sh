#!/bin/sh
# Build the image; docker/build.sh --help tells how.
set -eu

usage() {
  cat <<'TEXT'
Usage: docker/build.sh [--gpu | --browser] [--uid N] [--gid N] [-- arguments of docker build]

  --gpu       the CUDA variant, recon3d_nb:cuda      (default: recon3d_nb:cpu)
  --browser   the CPU variant with a Chromium, recon3d_nb:browser
  --uid N     number of the user inside              (default: yours, 1000 if you are root)
  --gid N     number of that user's group            (default: yours, 1000 if you are root)

DOCKER names another client, e.g. DOCKER=podman.
TEXT
}
fail() { echo "build.sh: $*" >&2; echo "Try: docker/build.sh --help" >&2; exit 2; }
number() {
  case "${2-}" in ''|*[!0-9]*) fail "$1 needs a number; got '${2-}'" ;; esac
  [ "$2" -gt 0 ] || fail "$1 must not be 0: the image does not run as root"
}

variant=cpu target=lab uid=$(id -u) gid=$(id -g)
[ "$uid" -ne 0 ] || uid=1000
[ "$gid" -ne 0 ] || gid=1000
while [ $# -gt 0 ]; do
  case $1 in
    --gpu) variant=cuda ;;
    --browser) target=browser ;;
    --uid) number "$@"; uid=$2; shift ;;
    --gid) number "$@"; gid=$2; shift ;;
    --help|-h) usage; exit 0 ;;
    --) shift; break ;;
    *) fail "unknown argument: $1" ;;
  esac
  shift
done
case $variant-$target in
  cuda-browser) fail '--browser is for the CPU variant' ;;
  *-browser) tag=browser ;;
  *) tag=$variant ;;
esac

docker=${DOCKER:-docker}
command -v "$docker" >/dev/null || { echo "build.sh: there is no $docker here. Install Docker, or name another client: DOCKER=podman" >&2; exit 1; }
cd "$(dirname "$0")/.."
DOCKER_BUILDKIT=1 exec "$docker" build --file docker/Dockerfile --target "$target" --tag "recon3d_nb:$tag" \
  --build-arg "VARIANT=$variant" --build-arg "LAB_UID=$uid" --build-arg "LAB_GID=$gid" "$@" .
