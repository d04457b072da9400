#!/usr/bin/env bash
# Builds the servers that test/e2e/backends.test.ts and benchmarks run against, from the Go module proxy: some minutes
# each, once. Nothing twice: a server is built again when its recipe below changed.
#   bash test/servers/build.sh              all of them
#   bash test/servers/build.sh parca        some of them
set -euo pipefail

source=$(cd "$(dirname "$0")" && pwd)
target=${XDG_CACHE_HOME:-$HOME/.cache}/ebpf-profiler-servers
all=(pyroscope parca otlp-receiver otel-ebpf-profiler)

# Each recipe has the go.mod of a module that only builds the server, since `go install` refuses a server with replace
# directives, and names the package to build. Versions that belong together stand together.
pyroscope() {
  module=github.com/grafana/pyroscope package=github.com/grafana/pyroscope/cmd/pyroscope
  gomod='go 1.25.7
require github.com/grafana/pyroscope v1.21.0
require github.com/grafana/pyroscope/api v1.5.0
replace github.com/hashicorp/memberlist => github.com/grafana/memberlist v0.3.1-0.20251126142931-6f9f62ab6f86
replace gopkg.in/yaml.v3 => github.com/colega/go-yaml-yaml v0.0.0-20220720105220-255a8d16d094'
}

parca() {
  module=github.com/parca-dev/parca package=github.com/parca-dev/parca/cmd/parca
  gomod='go 1.25.0
require github.com/parca-dev/parca v0.28.0'
}

otlp-receiver() {
  module='' package=. # otlp-receiver.go
  gomod='go 1.25.0
require go.opentelemetry.io/collector/pdata/pprofile v0.164.0
require google.golang.org/grpc v1.83.0'
}

otel-ebpf-profiler() {
  module=go.opentelemetry.io/ebpf-profiler package=go.opentelemetry.io/ebpf-profiler
  gomod='go 1.25.0
require go.opentelemetry.io/ebpf-profiler v0.0.202633'
}

build() {
  local name=$1 module package gomod recipe work
  "$name"
  recipe=$(printf '%s\n' "$package" "$gomod" && { [ "$package" != . ] || cat "$source/$name.go"; })
  if [ -x "$target/$name" ] && [ "$(cat "$target/$name.recipe" 2>/dev/null)" = "$recipe" ]; then
    echo "$name: there already"
    return
  fi
  echo "$name: building it, which takes some minutes"
  work=$(mktemp -d)
  (
    trap 'rm -r "$work"' EXIT
    cd "$work"
    printf 'module server\n%s\n' "$gomod" > go.mod
    if [ "$package" = . ]; then
      cp "$source/$name.go" main.go
    else
      # The server's own go.sum, so that its dependencies are what it was released with.
      go mod download "$module"
      cat "$(go list -mod=mod -m -f '{{.Dir}}' "$module")/go.sum" >> go.sum
    fi
    nice -n 19 go build -mod=mod -ldflags=-s -o "$target/$name.new" "$package"
  )
  mv "$target/$name.new" "$target/$name"
  printf '%s\n' "$recipe" > "$target/$name.recipe"
  echo "$name: $target/$name"
}

if ! command -v go >/dev/null; then
  echo "Go is not installed: no servers are built, and tests that need them are skipped. Get Go 1.25 or newer."
  exit 0
fi
mkdir -p "$target"
export CGO_ENABLED=0 GOWORK=off
for name in "${@:-${all[@]}}"; do
  case " ${all[*]} " in
    *" $name "*) build "$name" ;;
    *)
      echo "no server \"$name\"; there are: ${all[*]}" >&2
      exit 2
      ;;
  esac
done
