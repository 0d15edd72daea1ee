# shellcheck shell=bash
# For scripts that stand on Python and Debian's packages: `source "$(dirname "${BASH_SOURCE[0]}")/provide.sh"`.

# Installs packages of Debian.
apt() {
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    if ! command -v apt-get >/dev/null; then
        echo "${0##*/}: $* is missing, and there is no apt-get to install it with" >&2
        exit 1
    fi
    echo "${0##*/}: installing $*" >&2
    "${sudo[@]}" apt-get update -qq >&2
    "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@" >&2
}

# Provides a python3 that can create environments, which a bare Debian lacks.
provide_python() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt python3 python3-venv
}
