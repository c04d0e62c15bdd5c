#!/usr/bin/env bash
# Runs train.sbatch on a Slurm of two nodes that are both this machine, with a run of a few seconds on CPUs: once to its
# end, once requeued on its way; both must write the same checkpoint. Needs Slurm and munge, on Debian:
#   apt-get install slurmctld slurmd slurm-client munge
# and `npm run setup`. Everything it starts and writes is gone when it ends; the machine's own Slurm is left alone.
set -euo pipefail
home=$(cd "$(dirname "$0")/../.." && pwd)
for program in slurmctld slurmd munged sbatch; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || {
    echo "try-local.sh: $program is missing; on Debian: apt-get install slurmctld slurmd slurm-client munge" >&2
    exit 2
  }
done
PATH=$PATH:/usr/sbin
base=$(mktemp -d "${TMPDIR:-/tmp}/captrain-slurm-XXXXXX")
chmod 755 "$base"
me=$(id -un)
host=$(hostname -s)
free_port() {
  node -e 'const s = require("net").createServer().listen(0, () => { console.log(s.address().port); s.close(); })'
}
pids=()
cleanup() {
  scancel --user "$me" 2>/dev/null || true
  for _ in $(seq 50); do
    [ -n "$(squeue --noheader 2>/dev/null)" ] || break
    sleep 0.2
  done
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$base"
}
trap cleanup EXIT

mkdir -m 711 "$base/munge" && mkdir "$base/state" "$base/spool" "$base/jobs"
head -c 1024 /dev/urandom >"$base/munge/key"
chmod 600 "$base/munge/key"
munged --foreground --force --key-file="$base/munge/key" --socket="$base/munge/socket" --pid-file="$base/munge/pid" \
  --log-file="$base/munge/log" --seed-file="$base/munge/seed" >"$base/munge.out" 2>&1 &
pids+=($!)

cat >"$base/slurm.conf" <<CONF
ClusterName=try
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
AuthInfo=socket=$base/munge/socket
CredType=cred/munge
StateSaveLocation=$base/state
SlurmdSpoolDir=$base/spool/%n
SlurmctldPidFile=$base/ctld.pid
SlurmdPidFile=$base/slurmd-%n.pid
SlurmctldLogFile=$base/ctld.log
SlurmdLogFile=$base/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
KillWait=30
MinJobAge=300
NodeName=one NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=4
NodeName=two NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=4
PartitionName=all Nodes=one,two Default=YES MaxTime=10 State=UP
CONF
export SLURM_CONF=$base/slurm.conf
slurmctld -D -i >"$base/ctld.out" 2>&1 &
pids+=($!)
for node in one two; do
  slurmd -D -N "$node" >"$base/slurmd-$node.out" 2>&1 &
  pids+=($!)
done
for _ in $(seq 60); do
  [ "$(sinfo --noheader --format=%T --states=idle 2>/dev/null)" = idle ] && break
  sleep 0.5
done
sinfo

node "$home/infra/dist/write-tiny-inputs.js" "$base/inputs"
submit() {
  local run=$1
  (cd "$base/jobs" && CAPTRAIN_HOME=$home CAPTRAIN_NODE_TASKS=1 sbatch --parsable --nodes=2 --ntasks-per-node=1 \
    "$home/infra/slurm/train.sbatch" --data "$base/inputs/embeddings" --language-model "$base/inputs/gpt2" \
    --run "$base/runs/$run" --batch-size 20 --microbatches 4 --epochs 8 --device cpu --threads 1)
}
state() { scontrol --oneliner show job "$1" | sed -nE 's/.*JobState=(\w+).*/\1/p'; }
await() {
  for _ in $(seq 600); do
    case $(state "$1") in
      COMPLETED) return 0 ;;
      FAILED | CANCELLED | TIMEOUT | NODE_FAIL) break ;;
    esac
    sleep 0.5
  done
  echo "try-local.sh: job $1 ended in state $(state "$1")" >&2
  cat "$base/jobs/captrain-$1.log" >&2
  return 1
}

whole=$(submit whole)
await "$whole"
cat "$base/jobs/captrain-$whole.log"

broken=$(submit broken)
log=$base/jobs/captrain-$broken.log
step_of() {
  local address
  address=$(sed -nE 's/^coordinator at ([^,]+),.*/\1/p' "$log" 2>/dev/null)
  node "$home/apps/cli/dist/main.js" status --coordinator "$address" --json 2>/dev/null |
    node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).step)' 2>/dev/null || echo 0
}
until [ "$(step_of)" -ge 2 ]; do sleep 0.2; done
# As Slurm does near the time limit: the batch script alone gets the signal, saves, and has the job queued again.
scancel --batch --signal=USR1 "$broken"
for _ in $(seq 600); do
  grep -q 'queued again' "$log" && break
  sleep 0.2
done
# A requeued job waits two minutes by Slurm's own rule; an operator can hurry it.
scontrol update JobId="$broken" StartTime=now || true
await "$broken"
cat "$log"

digests() { (cd "$base/runs/$1/checkpoints/$(head -n 1 "$base/runs/$1/checkpoints/LATEST")" && sha256sum -- *); }
digests whole
digests broken
if [ "$(digests whole)" != "$(digests broken)" ]; then
  echo 'try-local.sh: the requeued run wrote another checkpoint' >&2
  exit 1
fi
echo 'try-local.sh: the run that was requeued wrote the same checkpoint, byte for byte'
