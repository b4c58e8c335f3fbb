# Completion of prismctl in fish: prismctl completion fish | source
function __prismctl_complete
    set -l before (commandline -opc)
    set -l last (commandline -ct | string unescape)
    set -l found ($before[1] __complete fish $before[2..-1] "$last" 2>/dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path "$last"
        return
    end
    printf '%s\n' $found
end
complete -c prismctl -f -a '(__prismctl_complete)'
