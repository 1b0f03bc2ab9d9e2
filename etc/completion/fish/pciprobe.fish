# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for pciprobe. Subcommands, options and their values are read from the program's own help.

# Prints a line for each option in the help: short form, long form, argument, description; tab-separated.
function __pciprobe_options
    $argv help 2>/dev/null | string replace -rf '^  (?:(-.),|   ) (--[a-z-]+)(?: ([A-Z][^ ]*))? +(.*)$' '$1\t$2\t$3\t$4'
end

function __pciprobe_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    command -q $program; or return
    set -l options (__pciprobe_options $program)
    set -l subcommand
    set -l pending

    # the subcommand is the first word that is neither an option nor an option's argument
    for word in $words
        if set -q pending[1]
            set pending
        else if string match -q -- '-*' $word
            string match -q -- '--*' $word; or set word -(string sub -s -1 -- $word)
            for option in $options
                set -l parts (string split \t -- $option)
                if test -n "$parts[3]"; and contains -- $word $parts[1..2]
                    set pending $parts
                end
            end
        else if not set -q subcommand[1]
            set subcommand $word
        end
    end

    set -l prefix
    if string match -qr -- '^--[a-z-]+=' $current
        set -l name (string replace -r '=.*' '' -- $current)
        for option in $options
            set -l parts (string split \t -- $option)
            test "$parts[2]" = $name; and test -n "$parts[3]"; and set pending $parts
        end
        set prefix $name=
        set current (string replace -r '^[^=]*=' '' -- $current)
    end
    if set -q pending[1]
        switch $pending[3]
            case FILE
                __fish_complete_path $current
                return
            case DIR
                __fish_complete_directories $current
                return
            case LIST '*,...'
                set prefix "$prefix"(string replace -r '[^,+]*$' '' -- $current)
        end
        if string match -q "*'help' lists*" -- $pending[4]
            $program $pending[2] help 2>/dev/null | string replace -r -- '^(\S+) +' "$prefix"'$1\t'
        else if test $pending[2] = --driver
            command ls /sys/bus/pci/drivers 2>/dev/null | string replace -r -- '^' "$prefix"
        end
        return
    end

    if string match -q -- '-*' $current
        $program help $subcommand 2>/dev/null |
            string replace -rf '^  (?:-.,|   ) (--[a-z-]+)(?: [A-Z][^ ]*)? +(.*)$' '$1\t$2'
        return
    end
    set -l usage SUBCOMMAND
    set -q subcommand[1]; and set usage ($program help $subcommand 2>/dev/null)[1]
    switch "$usage"
        case '*SUBCOMMAND*'
            $program help 2>/dev/null |
                awk '/^Subcommands:/ {on = 1; next} /^$/ {on = 0} on {print $1 "\t" substr($0, 30)}'
        case '*NAME*'
            $program $subcommand help 2>/dev/null | string replace -r -- '^(\S+) +' '$1\t'
        case '*ADDRESS*'
            command ls /sys/bus/pci/devices 2>/dev/null
        case '*FILE*'
            $program $subcommand help 2>/dev/null | string replace -r ' .*' ''
            __fish_complete_path $current
        case '*DIR*'
            __fish_complete_directories $current
    end
end

complete -c pciprobe -f -a '(__pciprobe_complete)'
