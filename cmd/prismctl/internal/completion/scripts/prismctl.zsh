#compdef prismctl
# Completion of prismctl in zsh: eval "$(prismctl completion zsh)"
_prismctl() {
    local line
    local -a found shown
    while IFS= read -r line; do
        if [[ "$line" == ":files" ]]; then
            _files
            return
        fi
        found+=("${line%%$'\t'*}")
        shown+=("${line//$'\t'/  -- }")
    done < <("${(Q)words[1]}" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    (( $#found )) && compadd -l -d shown -a found
}
if [[ "${funcstack[1]}" == "_prismctl" ]]; then
    _prismctl "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -u; }
    compdef _prismctl prismctl
fi
