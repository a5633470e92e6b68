#!/bin/sh
# Run the image; docker/run.sh --help tells how.
set -eu

usage() {
  cat <<'TEXT'
Usage: docker/run.sh [--gpu | --browser] [--port N] [--data DIR] [--runs DIR] [--clone] [command ...]

Without a command: JupyterLab on the tour, at the address that is printed. With one, e.g. `docker/run.sh make test`: that.

  --gpu       the CUDA variant, with all GPUs        (default: the CPU variant)
  --browser   the variant with a Chromium; its command is `make docs test-browser`
  --port N    JupyterLab's port on 127.0.0.1         (default: 8888)
  --data DIR  data sets and computed data, /data     (default: the clone's data/)
  --runs DIR  runs and their checkpoints             (default: the clone's runs/)
  --clone     work on this clone's files instead of the image's copy, so that edits stay

JUPYTER_TOKEN sets the token, else one is drawn. DOCKER names another client, e.g. DOCKER=podman.
TEXT
}
fail() { echo "run.sh: $*" >&2; echo "Try: docker/run.sh --help" >&2; exit 2; }
folder() { mkdir -p "$1" && cd "$1" && pwd; }

root=$(cd "$(dirname "$0")/.." && pwd)
tag='' port=8888 data=$root/data runs=$root/runs clone=''
while [ $# -gt 0 ]; do
  case $1 in
    --gpu) tag=${tag}cuda ;;
    --browser) tag=${tag}browser ;;
    --port) case "${2-}" in ''|*[!0-9]*) fail "--port needs a number; got '${2-}'" ;; esac; port=$2; shift ;;
    --data) [ -n "${2-}" ] || fail '--data needs a folder'; data=$2; shift ;;
    --runs) [ -n "${2-}" ] || fail '--runs needs a folder'; runs=$2; shift ;;
    --clone) clone=yes ;;
    --help|-h) usage; exit 0 ;;
    --) shift; break ;;
    -*) fail "unknown option: $1" ;;
    *) break ;;
  esac
  shift
done
case $tag in
  '') tag=cpu ;;
  cuda|browser) ;;
  *) fail 'one of --gpu and --browser, once' ;;
esac

docker=${DOCKER:-docker}
command -v "$docker" >/dev/null || { echo "run.sh: there is no $docker here. Install Docker, or name another client: DOCKER=podman" >&2; exit 1; }
data=$(folder "$data") || fail "cannot make or enter the folder for --data"
runs=$(folder "$runs") || fail "cannot make or enter the folder for --runs"
[ $# -gt 0 ] || [ "$tag" = browser ] || set -- lab

# The command's words stay last; what concerns docker is put before them, bit by bit.
if [ "${1-}" = lab ]; then
  set -- --publish "127.0.0.1:$port:$port" --env "PORT=$port" --env JUPYTER_TOKEN "recon3d_nb:$tag" "$@"
else
  set -- --no-healthcheck "recon3d_nb:$tag" "$@"
fi
[ -z "$clone" ] || set -- --volume "$root:/lab" "$@"
[ "$tag" != cuda ] || set -- --gpus all "$@"
[ ! -t 0 ] || set -- --tty "$@"
exec "$docker" run --rm --init --interactive --shm-size 2g --cap-drop ALL --security-opt no-new-privileges \
  --volume "$data:/data" --volume "$runs:/lab/runs" "$@"
