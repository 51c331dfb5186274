#!/bin/bash
# Runs a sweep through a real Slurm on this machine, from Debian's packages slurmctld, slurmd, slurm-client and munge.
#
#   scripts/slurm_check.sh path/to/npc
#
# Starts munged, slurmctld and slurmd with a configuration of its own in a temporary folder, submits the array script of
# `npc sweep --slurm` over tiny runs on generated images, requeues one task in the middle, waits, and compares the
# result with the same sweep without Slurm. Exits with 0 if both are equal. Needs root and no running Slurm; takes about
# a minute. Nothing outside the temporary folder is changed.
set -euo pipefail

npc=$(readlink -f "${1:?usage: scripts/slurm_check.sh path/to/npc}")
repository=$(cd "$(dirname "$0")/.." && pwd)
for tool in munged slurmctld slurmd sbatch squeue scontrol scancel; do
  command -v "$tool" > /dev/null || { echo "$tool is missing: apt-get install slurmctld slurmd slurm-client munge" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 2; }

work=$(mktemp -d /tmp/npc-slurm.XXXXXX)
pids=()
finish() {
  local code=$?
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2> /dev/null || true; done
  [ -z "${munge_pid:-}" ] || kill "$munge_pid" 2> /dev/null || true
  if [ "$code" = 0 ]; then rm -rf "$work"; else echo "failed; logs are in $work" >&2; fi
}
trap finish EXIT
die() { echo "$1" >&2; exit 1; }

# ---- A cluster of one node

mkdir -p "$work"/{munge,state,spool,log}
chmod 755 "$work"
chmod 700 "$work/munge"
head -c 1024 /dev/urandom > "$work/munge/key"
chmod 600 "$work/munge/key"
# munged refuses a socket in a folder that others cannot enter, and a log in one that others can write to.
mkdir -p "$work/socket"
chmod 755 "$work/socket"
munged --key-file "$work/munge/key" --socket "$work/socket/munge" --pid-file "$work/munge/pid" \
  --log-file "$work/munge/log" --seed-file "$work/munge/seed" --force
munge_pid=$(cat "$work/munge/pid")

host=$(hostname -s)
cores=$(nproc)
cat > "$work/slurm.conf" <<CONF
ClusterName=npc
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$work/socket/munge
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/log/slurmctld
SlurmdLogFile=$work/log/slurmd
# Containers rarely allow a process to create cgroups.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=5
SchedulerParameters=sched_interval=1,batch_sched_delay=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$work/slurm.conf"
touch "$work/log/out"
slurmctld -D >> "$work/log/out" 2>&1 &
pids+=($!)
slurmd -D >> "$work/log/out" 2>&1 &
pids+=($!)
for _ in $(seq 60); do
  [ "$(sinfo -h -o %t 2> /dev/null)" = idle ] && break
  sleep 0.5
done
[ "$(sinfo -h -o %t)" = idle ] || die "the node does not become idle: $(sinfo -h -o '%t %E')"
echo "cluster: $(sinfo -V), node $host with $cores processors"

# ---- The array

cp "$repository"/models/{npnet,data}.model "$work"
cd "$work"
sweep=("$npc" sweep npnet.model table2 --run npnet_phantoms --seeds 2
  --set "epochs=6,data.size=[32,32],data.source=phantoms(count=30)")
"${sweep[@]}" --out "runs with slurm" --slurm array.sh
job=$(sbatch --parsable array.sh)
echo "job $job: $(squeue -h -r -j "$job" | wc -l) tasks"

# ---- A requeue in the middle of the first task

epochs() { cat "runs with slurm/attention=none/seed=0/metrics.jsonl" 2> /dev/null | wc -l; }
for _ in $(seq 600); do
  [ "$(epochs)" -ge 2 ] && break
  sleep 0.1
done
before=$(epochs)
[ "$before" -ge 2 ] && [ "$before" -lt 6 ] || die "the first task has done $before epochs"
scontrol requeue "${job}_0"
echo "requeued task 0 after $before epochs"
# A requeued task waits for two minutes unless it is released.
for _ in $(seq 120); do
  scontrol update JobId="${job}_0" StartTime=now 2> /dev/null || true
  [ "$(squeue -h -j "$job" 2> /dev/null | wc -l)" = 0 ] && break
  sleep 1
done
[ "$(squeue -h -j "$job" 2> /dev/null | wc -l)" = 0 ] || die "still queued: $(squeue -h -j "$job")"
cat "runs with slurm"/slurm-* > "$work/log/tasks"
grep "from epoch" "$work/log/tasks" || die "no task went on from where it was stopped"

# ---- The same without Slurm

"${sweep[@]}" --out "runs with slurm" --collect --format csv > slurm.csv || die "the sweep is not complete"
"${sweep[@]}" --out "runs without" --train --format csv > plain.csv 2> "$work/log/plain"
cat slurm.csv
cmp slurm.csv plain.csv || die "the tables differ"
for run in "runs without"/attention=*/seed=*; do
  there="runs with slurm/${run#runs without/}"
  cmp "$run/cases.csv" "$there/cases.csv" || die "$there/cases.csv differs"
done
echo "equal to the sweep without Slurm"
