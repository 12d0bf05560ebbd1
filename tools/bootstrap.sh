#!/bin/bash
# Installs what a step needs and is missing: tools/bootstrap.sh build|check|bench|fuzz
# Prints nothing and touches nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

build="gcc libc6-dev make cmake ninja-build pkg-config
       zlib1g-dev libzstd-dev libxxhash-dev
       libmsgpack-dev libuv1-dev liblz4-dev libsnappy-dev libssl-dev libmicrohttpd-dev
       libjemalloc-dev libunwind-dev libdw-dev graphviz"
# iproute2: networks for the tests of several hosts. libbz2 and libunistring: libdw and GnuTLS name them when one
# links statically, as the install test does.
fuzz="clang libclang-rt-dev"
check="$fuzz libcmocka-dev clang-format clang-tidy python3 python3-venv libbz2-dev
       libunistring-dev iproute2"
bench="g++ libtbb-dev"

step=${1:-build}
case $step in
build) packages=$build ;;
check) packages="$build $check" ;;
bench) packages="$build $check $bench" ;;
fuzz)  packages="$build $fuzz" ;;
*)     echo "usage: tools/bootstrap.sh build|check|bench|fuzz" >&2; exit 2 ;;
esac

# Those of $packages that dpkg does not have.
missing_packages() {
    local have
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null |
           sed -n 's/^installed //p') || true
    comm -23 <(printf '%s\n' $packages | sort -u) <(sort -u <<<"$have")
}

install_packages() {
    local missing become=
    if ! command -v apt-get >/dev/null; then
        # Without apt we cannot tell what is there: a compiler and the libraries decide.
        printf '%s\n' "No apt-get here. cdask needs (Debian's names):" $packages >&2
        exit 1
    fi
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        become=sudo
        if ! command -v sudo >/dev/null; then
            printf '%s\n' "Neither root nor sudo. Please have these installed:" $missing >&2
            exit 1
        fi
    fi
    echo "bootstrap: installing" $missing
    $become apt-get update -qq
    $become env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# A python3 new enough for today's pandas and able to make virtual environments. The first on
# PATH may be a version manager's; Debian's own is asked next.
find_python() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null; then
            echo "$python"
            return
        fi
    done
    return 1
}

# install_python FILE VENV COST: FILE's requirements into VENV, unless this very FILE is in.
# COST says what is lost when the packages cannot be had.
install_python() {
    local file=$1 venv=$2 cost=$3 stamp python
    stamp=$venv/$(sha256sum "$file" | cut -c1-16).installed
    [ ! -e "$stamp" ] || return 0
    if ! python=$(find_python); then
        echo "bootstrap: no python3 >= 3.11 with venv: $cost"
        return
    fi
    # What the tests compare with defines the environment; the benchmarks only add to it.
    if [ "$file" != bench/requirements.txt ] || [ ! -d "$venv" ]; then
        "$python" -m venv --clear "$venv"
    fi
    echo "bootstrap: installing $file into $venv"
    if "$venv/bin/python" -m pip install -q --disable-pip-version-check \
        --retries 1 --timeout 30 -r "$file" >build/pip.log 2>&1; then
        touch "$stamp"
    else
        echo "bootstrap: packages of $file could not be installed (build/pip.log): $cost"
    fi
}

install_packages
case $step in
check|bench)
    mkdir -p build
    install_python tests/requirements.txt build/venv "black-box and differential tests are skipped"
    ;;&
check)
    install_python tests/requirements-2022.txt build/venv-2022 "tests with Dask 2022.12 are skipped"
    ;;
bench)
    install_python bench/requirements.txt build/venv "no comparison with polars and duckdb"
    ;;
esac
