# Completion of prismctl in PowerShell: prismctl completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName prismctl -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | Select-Object -Skip 1 |
        ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } })
    $last = if ($wordToComplete) { $wordToComplete } else { ':none' }
    $program = $commandAst.GetCommandName()
    & $program __complete powershell @before $last 2>$null | Where-Object { $_ -ne ':files' } | ForEach-Object {
        $word, $help = $_ -split "`t", 2
        if (-not $help) { $help = $word }
        $text = if ($word -match '[^\w\-./:=@]') { "'" + $word.Replace("'", "''") + "'" } else { $word }
        [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $help)
    }
}
