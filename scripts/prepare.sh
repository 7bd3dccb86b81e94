# shellcheck shell=bash
# Sourced by the scripts beside it: what a machine needs before anything can be built. Installs what is missing and
# touches nothing else; where everything is there it needs no network.

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Debian packages that were asked for and are not there.
missing_packages=()

need_package() { # PACKAGE COMMAND...: the package is missing unless the command succeeds
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing_packages+=("$package")
}

has_postgres() {
  [[ -n ${PG_BIN:-} && -x $PG_BIN/initdb ]] && return 0
  command -v initdb >/dev/null && return 0
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

has_certificates() { [[ -s /etc/ssl/certs/ca-certificates.crt || -n ${SSL_CERT_FILE:-} ]]; }

need_build_packages() {
  need_package gcc command -v cc
  need_package libc6-dev test -e /usr/include/stdio.h
  need_package make command -v make
  need_package ca-certificates has_certificates
  need_package postgresql has_postgres
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

can_install() {
  command -v apt-get >/dev/null && { ((EUID == 0)) || command -v sudo >/dev/null; }
}

apt_updated=no
apt_install() {
  if [[ $apt_updated == no ]]; then
    as_root apt-get update -qq >&2 || return 1
    apt_updated=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# Debian creates and starts a cluster of its own with the server. Nobody asked for one, so on a machine that has no
# Postgres yet this is switched off while it is installed.
install_postgres() {
  local settings=/etc/postgresql-common/createcluster.conf
  if [[ -e $settings ]]; then
    apt_install postgresql
    return
  fi
  apt_install postgresql-common || return 1
  as_root cp "$settings" "$settings.paystand-sync"
  printf 'create_main_cluster = false\n' | as_root tee -a "$settings" >/dev/null
  local outcome=0
  apt_install postgresql || outcome=$?
  as_root mv "$settings.paystand-sync" "$settings"
  return "$outcome"
}

# Installs what need_package found, or says what to run.
install_missing() {
  ((${#missing_packages[@]})) || return 0
  local command="apt-get install -y ${missing_packages[*]}"
  can_install || fail "missing: ${missing_packages[*]}; run as root: $command"
  say "installing ${missing_packages[*]}"
  local package others=()
  for package in "${missing_packages[@]}"; do
    [[ $package == postgresql ]] || others+=("$package")
  done
  if ((${#others[@]})); then
    apt_install "${others[@]}" || fail "could not install ${others[*]}; check the network, then run as root: $command"
  fi
  if [[ ${#others[@]} != "${#missing_packages[@]}" ]]; then
    install_postgres || fail "could not install postgresql; check the network, then run as root: $command"
  fi
  missing_packages=()
}

# Puts cargo on PATH and checks that it is new enough.
need_cargo() {
  command -v cargo >/dev/null || PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
  command -v cargo >/dev/null ||
    fail "cargo is not installed; run: curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y"
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  found=$(cargo --version | cut -d ' ' -f 2) || fail "cargo does not run; repair the Rust installation"
  [[ $(printf '%s\n' "$wanted" "${found%%-*}" | sort -V | head -n 1) == "$wanted" ]] ||
    fail "cargo is $found, but $wanted or newer is needed; run: rustup update stable"
}

# Fetches the crates. Where all of them are there, cargo is kept off the network from here on.
need_crates() {
  local host
  host=$(rustc -vV | sed -n 's/^host: //p')
  if cargo fetch --quiet --locked --offline --target "$host" 2>/dev/null; then
    export CARGO_NET_OFFLINE=true
    return
  fi
  say "fetching crates"
  cargo fetch --quiet --locked --target "$host" || fail "could not fetch the crates; check the network and try again"
}

target_dir() {
  cargo metadata --format-version 1 --no-deps --locked | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}
