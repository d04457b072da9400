#!/usr/bin/env bash
# Any other pipeline, or a machine of your own: compares what is checked out with the commit that it branched off.
#   profile.sh [BASE_BRANCH]      environment: RUNS, BENCHMARK, BUILD
set -euo pipefail

branch=${1:-origin/main}
base=$(mktemp -d)
trap 'git worktree remove --force "$base"' EXIT
git worktree add --quiet --force --detach "$base" "$(git merge-base HEAD "$branch")"

bash -euo pipefail -c "${BUILD:-make}"
(cd "$base" && bash -euo pipefail -c "${BUILD:-make}")

profiler ci run --runs "${RUNS:-10}" --base-dir "$base" --output profiles -- bash -c "${BENCHMARK:-./benchmark}"

# 0: nothing became slower. 3: something did. 4: more runs are needed to tell; not a failure here.
status=0
profiler diff --runs profiles --fail-on 'total>3%' --fail-on 'any>10%' -o - -o profiles/report.md || status=$?
if [ "$status" = 4 ]; then status=0; fi
exit "$status"
