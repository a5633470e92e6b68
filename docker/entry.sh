#!/bin/sh
# The container's first process. `lab [notebook]` opens JupyterLab, on the tour unless told otherwise; anything else is run as it stands.
set -eu
data=${RECON3D_DATA:-/data}

if [ ! -w "$data" ]; then
  echo "Note: user $(id -u) cannot write to $data, so what is computed stays in the container. Give the folder to that user," >&2
  echo "or build the image for the folder's owner: docker/build.sh --uid NUMBER (the folder belongs to $(stat -c %u "$data"))." >&2
fi

[ "${1:-lab}" = lab ] || exec "$@"

# All addresses inside the container; run.sh and compose publish the port on the host's 127.0.0.1 only. The token is JUPYTER_TOKEN,
# or drawn anew and printed with the address. The port is the same inside and outside, so that the printed address is right.
cd "$(dirname "$0")/.."
page=${2:-$(sed -n 's/^TOUR *:= *//p' Makefile)}
[ -f "$page" ] || { echo "entry.sh: there is no notebook $page in $PWD" >&2; exit 1; }
exec jupyter lab --no-browser --ip=0.0.0.0 --port="${PORT:-8888}" --ServerApp.port_retries=0 \
  --ServerApp.root_dir="$PWD" --LabApp.default_url="/lab/tree/$page"
