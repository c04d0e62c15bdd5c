#!/bin/sh
# Starts a coordinator's run, or goes on with it where it exists: what a restart policy or a batch system repeats.
#   start-or-resume.sh captrain-coordinator --run=URI …
set -eu
here=$(cd "$(dirname "$0")" && pwd)
run=
previous=
for argument; do
  case $previous in --run) run=$argument ;; esac
  case $argument in --run=*) run=${argument#--run=} ;; esac
  previous=$argument
done
if [ -z "$run" ]; then
  echo 'start-or-resume.sh: give the run with --run=URI.' >&2
  exit 2
fi
found=0
node "$here/dist/run-exists.js" "$run" || found=$?
case $found in
  0) exec "$@" --resume ;;
  3) exec "$@" ;;
  *) exit "$found" ;;
esac
