#!/bin/sh
# Asks for one account to be rebalanced, or previewed, by leaving a trigger file for the event-broker.
#
#   tools/rebalance.sh -account ID [-exec COMMAND]
#
# Without -exec it is a preview: nothing is traded. Only "-exec rebalance" trades.
# MANUAL_DIRECTORY names the watched folder; by default it is data/manual-rebalance beside this script's folder,
# also when it is called through a symbolic link.
# Exit codes: 0 the file is there, 1 it could not be written, 2 the arguments are wrong.
set -u
LC_ALL=C  # ranges of letters mean ASCII
export LC_ALL
umask 022

usage() {
    echo "usage: tools/rebalance.sh -account ID [-exec COMMAND]"
    echo "  -account ID     an account of accounts.yaml, such as DU123456"
    echo "  -exec COMMAND   print-rebalance (a preview, the default), rebalance (trades), print-positions,"
    echo "                  print-equity, print-orders or cancel-orders"
}

refuse() {
    echo "rebalance.sh: $1" >&2
    usage >&2
    exit 2
}

fail() {
    echo "rebalance.sh: $1" >&2
    exit 1
}

account=
command=print-rebalance
chosen=
while [ $# -gt 0 ]; do
    case $1 in
        -account | --account)
            [ $# -ge 2 ] || refuse "-account needs a value"
            [ -z "$account" ] || refuse "one account at a time"
            account=$2
            shift 2
            ;;
        -exec | --exec)
            [ $# -ge 2 ] || refuse "-exec needs a value"
            [ -z "$chosen" ] || refuse "one command at a time"
            command=$2
            chosen=yes
            shift 2
            ;;
        -h | -help | --help)
            usage
            exit 0
            ;;
        *) refuse "unknown argument: $1" ;;
    esac
done

[ -n "$account" ] || refuse "-account is required"
case $account in
    *[!A-Za-z0-9]*) refuse "an account id has letters and digits only" ;;
esac
[ ${#account} -le 32 ] || refuse "an account id has at most 32 characters"
case $command in
    rebalance | print-rebalance | print-positions | print-equity | print-orders | cancel-orders) ;;
    *) refuse "unknown command: $command" ;;
esac

# The folder of the script itself, whatever links it was called through; not every readlink knows -f.
script=$0
while [ -h "$script" ]; do
    target=$(readlink -- "$script") || fail "cannot follow the link $script"
    case $target in
        /*) script=$target ;;
        *) script=$(dirname -- "$script")/$target ;;
    esac
done
here=$(CDPATH='' cd -P -- "$(dirname -- "$script")" && pwd -P) || fail "cannot find the folder of this script"
folder=${MANUAL_DIRECTORY:-$here/../data/manual-rebalance}
case $folder in
    -*) folder=./$folder ;; # which programs would take for an option
esac
[ -d "$folder" ] || fail "no folder $folder; start the event-broker, or create it as docs/operations.md says"
[ -w "$folder" ] || fail "you may not write in $folder; docs/operations.md says who should"

# Written whole under a name that the event-broker leaves alone, then renamed: it never sees half a document.
# mktemp chooses a name that nobody has, so that scripts that run at the same moment do not meet.
temporary=$(mktemp "$folder/.rebalance-XXXXXXXXXX") || fail "cannot write in $folder"
trap 'rm -f -- "$temporary"' EXIT
trap 'exit 1' HUP INT TERM
now=$(date -u +%Y-%m-%dT%H:%M:%SZ) || fail "cannot tell the time"
stamp=$(echo "$now" | tr -d ':-') || fail "cannot tell the time"
name=$account-$command-$stamp-${temporary##*-}.json
printf '{"account_id": "%s", "exec": "%s", "source": "manual", "timestamp": "%s"}\n' \
    "$account" "$command" "$now" >"$temporary" || fail "cannot write in $folder"
chmod 644 "$temporary" || fail "cannot make the file readable for the event-broker"
mv -f -- "$temporary" "$folder/$name" || fail "cannot write in $folder"
trap - EXIT HUP INT TERM

if [ "$command" = rebalance ]; then
    echo "LIVE: account $account is going to be rebalanced."
else
    echo "Account $account: $command. Nothing is traded unless the command is rebalance."
fi
echo "Left $folder/$name for the event-broker, which deletes it when it has queued it;"
echo "a file that it refuses moves to failed/ with its reason beside it."
exit 0
