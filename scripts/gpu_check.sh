#!/usr/bin/env bash
# The GPU checklist: whether npc computes the same on this card as on the CPU, whether a real run learns, and how fast it
# is in comparison with PyTorch on the same card. Prints the tables and writes them to docs/gpu.md (or $OUT/gpu.md).
#
#   scripts/gpu_check.sh [NPC]     NPC: a binary built with `cargo build --release --features cuda-burn`
#                                  (default: target/release/npc)
#
# If a Rust toolchain is installed, the device tests run too; TESTS names a test binary that was built elsewhere (`cargo
# test --release --features cuda-burn --test it --no-run`; it looks for the repository where it was built). PyTorch timings
# need a python3 with torch; without it that part is reported as skipped. DATA_ROOT adds a run on lung_ct_lctsc to the
# one on phantoms. PARTS chooses among agree, tests, run and time (all of them when not set).
set -euo pipefail
cd "$(dirname "$0")/.."
npc=${1:-target/release/npc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
report=${OUT:-docs}/gpu.md
model=models/npnet.model
failed=0

card=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -n 1)
say() { printf '%s\n' "$@" | tee -a "$work/gpu.md"; }
# Runs a command, prints its output as a code block, and continues when it fails.
block() {
    say '```text'
    "$@" 2>&1 | tee "$work/last" | tee -a "$work/gpu.md" || { failed=1; say "FAILED: $*"; }
    say '```' ''
}

say "# npc on a GPU" "" "Made by \`scripts/gpu_check.sh\` on $(date -u +%F). Card: $card. $("$npc" --version)." ""

part() { [[ " ${PARTS:-agree tests run time} " == *" $1 "* ]]; }
device_tests="exec:: lower:: graph_vs_network:: ops_torch:: op_limits:: torch::"

if part agree; then
    say "## CUDA against the CPU" "" "The same weights and batch; \`max |a - b| / max |a|\` per tensor." ""
    for variant in NPNet NPNet_SE NPNet_Plain; do
        block "$npc" selftest "$model" --model "$variant" --size 96x128 --device cuda
    done
fi

if part tests; then
    say "## Device tests" ""
    if [ -n "${TESTS:-}" ]; then
        block env NPC_TEST_DEVICE=cuda "$TESTS" $device_tests
    elif command -v cargo >/dev/null; then
        block env NPC_TEST_DEVICE=cuda cargo test --release --features cuda-burn --test it -- $device_tests
    else
        say "No test binary and no Rust toolchain on this machine." ""
    fi
fi

if part run; then
say "## A run" ""
block "$npc" train "$model" npnet_phantoms --device cuda --out "$work/phantoms"
block "$npc" eval "$work/phantoms" --device cuda
say "The same run scored on the CPU:" ""
block "$npc" eval "$work/phantoms" --device cpu
if [ -n "${DATA_ROOT:-}" ]; then
    block "$npc" train "$model" npnet_lung --device cuda --data-root "$DATA_ROOT" --out "$work/lung"
fi
fi

if part time; then
say "## Time" "" "Milliseconds per batch; a training step is forward, cross entropy, backward, Adam." ""
for size in 224x224 512x512; do
    block "$npc" bench "$model" --model NPNet --size $size --batch 4 --train --device cuda
    if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
        block python3 tests/reference/torch_bench.py --size ${size/x/ } --batch 4 --device cuda
    else
        say "No PyTorch with CUDA on this machine." ""
    fi
done
fi

mkdir -p "$(dirname "$report")"
cp "$work/gpu.md" "$report.part" && mv "$report.part" "$report"
echo "wrote $report"
exit $failed
