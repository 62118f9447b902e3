#!/usr/bin/env bash
# Runs the fuzz targets in turn, each for FUZZ_MINUTES (10). `make fuzz` calls it; so can you, with the names of some targets:
#
#   FUZZ_MINUTES=1 fuzz/run.sh key range
#
# Inputs that reach new code are kept in fuzz/corpus/ from run to run, what fails is written to fuzz/artifacts/.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
toolchain=${FUZZ_TOOLCHAIN:-nightly}
minutes=${FUZZ_MINUTES:-10}
# Own code is without `unsafe`, so the address sanitizer would only slow it down.
options=(--fuzz-dir "$folder" --sanitizer none)

if ! rustup run "$toolchain" rustc --version >/dev/null 2>&1; then
  cat >&2 <<END
fuzz: fuzzing needs a nightly compiler, and there is none called "$toolchain".
  Install it:     rustup toolchain install nightly --profile minimal
  Or name one:    FUZZ_TOOLCHAIN=nightly-2026-05-20 make fuzz
END
  exit 1
fi

cargo_fuzz() {
  RUSTUP_TOOLCHAIN=$toolchain cargo fuzz "$@"
}

dictionary_of() {
  case $1 in
    rules_toml) echo toml ;;
    *) echo http ;;
  esac
}

# Seeds besides those of fuzz/seeds/, below the root.
more_seeds_of() {
  case $1 in
    rules_toml) echo config config/examples ;;
  esac
}

# Longest inputs, in bytes.
longest_of() {
  case $1 in
    rules_toml) echo 8192 ;;
    *) echo 2048 ;;
  esac
}

fuzz() {
  local target=$1 seeds
  local corpus=$folder/corpus/$target
  mkdir -p "$corpus"
  seeds=("$corpus")
  [[ ! -d $folder/seeds/$target ]] || seeds+=("$folder/seeds/$target")
  for more in $(more_seeds_of "$target"); do seeds+=("$folder/../$more"); done
  printf '\n== Fuzzing %s for %s minutes\n' "$target" "$minutes"
  cargo_fuzz run "${options[@]}" "$target" "${seeds[@]}" -- \
    -max_total_time=$((minutes * 60)) -timeout=10 -max_len="$(longest_of "$target")" \
    -dict="$folder/dictionaries/$(dictionary_of "$target").dict" -print_final_stats=1
}

targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  mapfile -t targets < <(cargo_fuzz list --fuzz-dir "$folder")
fi
printf '\n== Building the fuzz targets (several minutes the first time)\n'
cargo_fuzz build "${options[@]}"
for target in "${targets[@]}"; do
  fuzz "$target"
done
printf '\n== %s targets ran %s minutes each and found nothing\n' "${#targets[@]}" "$minutes"
