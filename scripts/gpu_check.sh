#!/usr/bin/env bash
# The GPU checklist: whether npc's own kernels compute on this card what the CPU does, whether a real run learns and repeats its
# bits, and how fast training is beside PyTorch on the same card. Prints the tables and writes them to docs/gpu_check.md (or
# $OUT/gpu_check.md), with all figures as JSON lines in gpu_check.jsonl beside it.
#
#   scripts/gpu_check.sh [NPC]     NPC: a binary of `cargo build --release` (default: target/release/npc)
#
# Every part has a deadline, so that a hang costs its part alone; all of them take about ten minutes. PARTS chooses among card,
# agree, run, time, torch and sanitise. PyTorch timings need a python3 with torch, the last part compute-sanitizer; without them
# the part says so. DATA_ROOT adds a run on lung_ct_lctsc to the one on phantoms.
set -uo pipefail
cd "$(dirname "$0")/.."
npc=$(realpath "${1:-target/release/npc}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=${OUT:-docs}
mkdir -p "$folder"
report=$folder/gpu_check.md
figures=$folder/gpu_check.jsonl
: >"$figures.part"
failed=0

say() { printf '%s\n' "$@" | tee -a "$work/report.md"; }
# block SECONDS COMMAND...: runs a command until its deadline, prints its output as a code block, and continues when it fails.
block() {
    local seconds=$1 status
    shift
    say '```text'
    timeout --kill-after 5 "$seconds" "$@" 2>&1 | tee -a "$work/report.md"
    status=${PIPESTATUS[0]}
    say '```'
    [ "$status" -eq 0 ] || { failed=1; say "FAILED with $status: $*"; }
    say ''
    # What is there so far survives whatever comes.
    cp "$work/report.md" "$report.part" && mv "$report.part" "$report"
}
part() { [[ " ${PARTS:-card agree run time torch sanitise} " == *" $1 "* ]]; }
has_torch() { python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; }

card=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | head -n 1)
say "# npc on a GPU" "" "Made by \`scripts/gpu_check.sh\` on $(date -u +%F). Card: ${card:-unknown}. $("$npc" --version)." ""

if part card; then
    say "## The card, and what is missing for it" ""
    block 60 "$npc" selftest models/npnet.model --model NPNet --size 32x32 --batch 1 --device cuda
fi

if part agree; then
    say "## Kernels against the CPU" "" "The same weights and batch, every gradient; \`max |a - b| / max |a|\`." ""
    for network in npnet:NPNet npnet:NPNet_SE npnet:NPNet_Plain unet:UNet attention_unet:AttentionUNet unetpp:UNetPlusPlus segnet:SegNet pspnet:PSPNet; do
        block 40 "$npc" selftest "models/${network%%:*}.model" --model "${network##*:}" --size 96x128 --device cuda
    done
    block 30 "$npc" selftest models/npnet.model --model NPNet --size 96x128 --precision tf32 --device cuda
fi

if part run; then
    say "## Runs" "" "The same run twice, which must give the same bits, and its scores on the CPU." ""
    for run in one two; do
        block 60 "$npc" train models/npnet.model npnet_phantoms --device cuda --out "$work/$run"
    done
    if cmp -s "$work/one/best_dice.safetensors" "$work/two/best_dice.safetensors"; then
        say "Both runs have the same weights, bit for bit." ""
    else
        failed=1
        say "FAILED: the runs have different weights." ""
    fi
    block 30 "$npc" eval "$work/one" --device cuda
    block 60 "$npc" eval "$work/one" --device cpu
    if [ -n "${DATA_ROOT:-}" ]; then
        block 90 "$npc" train models/npnet.model npnet_lung --device cuda --data-root "$DATA_ROOT" --out "$work/lung"
    fi
fi

# time_npc FILE MODEL SIZE BATCH PRECISION
time_npc() {
    local line
    line=$(timeout --kill-after 5 40 "$npc" bench "models/$1.model" --model "$2" --size "$3" --batch "$4" --precision "$5" \
        --train --device cuda --seconds 2 --format json -q | tr -d '\n')
    if [ -z "$line" ]; then
        failed=1
        say "$2 $3 batch $4 $5: FAILED"
        return
    fi
    printf '{"tool":"npc","network":"%s","size":"%s","batch":%s,"precision":"%s","bench":%s}\n' "$2" "$3" "$4" "$5" "$line" >>"$figures.part"
    say "$2 $3 batch $4 $5: $(printf '%s' "$line" | grep -o '"median_ms": *[0-9.]*' | tr '\n' ' ') (forward, training step)"
}

if part time; then
    say "## Time of npc" "" "Milliseconds per batch, medians; a training step is forward, cross entropy, backward, Adam." '```text'
    for precision in tf32 f32; do
        for shape in "224x224 4" "512x512 4" "512x512 16"; do
            # shellcheck disable=SC2086
            time_npc npnet NPNet ${shape% *} ${shape#* } "$precision"
        done
    done
    time_npc unet UNet 224x224 4 tf32
    time_npc unet UNet 512x512 4 tf32
    say '```' ''
fi

if part torch; then
    say "## Time of PyTorch on the same card" ""
    if has_torch; then
        for shape in "224 224 4" "512 512 4" "512 512 16"; do
            read -r height width batch <<<"$shape"
            block 75 python3 tests/reference/torch_bench.py --size "$height" "$width" --batch "$batch" --device cuda --seconds 1 \
                --modes eager channels_last amp graph graph_amp --json "$figures.part"
        done
        block 90 python3 tests/reference/torch_bench.py --size 224 224 --batch 4 --device cuda --seconds 1 \
            --modes compile compile_amp --json "$figures.part"
        block 60 python3 tests/reference/torch_bench.py --network unet --size 224 224 --batch 4 --device cuda --seconds 1 \
            --modes channels_last amp graph graph_amp --json "$figures.part"
    else
        say "No PyTorch with CUDA on this machine." ""
    fi
fi

if part sanitise; then
    say "## compute-sanitizer on one small step" ""
    if command -v compute-sanitizer >/dev/null; then
        for tool in memcheck racecheck; do
            block 60 compute-sanitizer --tool "$tool" "$npc" selftest models/npnet.model --model NPNet --size 32x32 --batch 1 --device cuda
        done
    else
        say "No compute-sanitizer on this machine." ""
    fi
fi

cp "$work/report.md" "$report.part" && mv "$report.part" "$report"
mv "$figures.part" "$figures"
echo "wrote $report and $figures"
exit $failed
