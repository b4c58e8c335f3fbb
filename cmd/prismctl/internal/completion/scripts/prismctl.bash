# Completion of prismctl in bash: eval "$(prismctl completion bash)"
_prismctl() {
    local line before
    COMPREPLY=()
    before="${COMP_LINE:0:COMP_POINT}"
    while IFS= read -r line; do
        if [ "$line" = ":files" ]; then
            compopt -o default 2>/dev/null
            return
        fi
        COMPREPLY+=("$line")
    done < <("${COMP_WORDS[0]}" __complete bash "$before" 2>/dev/null)
}
complete -F _prismctl prismctl
