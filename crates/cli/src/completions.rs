//! Completions for shells, derived from the tables: commands, the options of each, the values that are few, and files.

use std::fmt::Write as _;

use crate::cmd::{COMMANDS, Command, Takes};
use crate::dialect::Dialect;
use crate::help::takes_proposals;
use crate::options::{Row, rows, switches};

/// The shells there are completions for.
pub(crate) const SHELLS: &[&str] = &["bash", "zsh", "fish", "powershell"];

pub(crate) fn text(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        "powershell" => Some(powershell()),
        _ => None,
    }
}

fn rows_of(command: &Command) -> impl Iterator<Item = &'static Row> {
    let name = command.name;
    rows().filter(move |row| row.is_for(name))
}

/// All options of a command as they are written.
fn options(command: &Command) -> Vec<String> {
    let mut all: Vec<String> = rows_of(command).map(|row| format!("--{}", row.name)).collect();
    all.extend(rows_of(command).filter_map(|row| row.short.map(|letter| format!("-{letter}"))));
    if takes_proposals(command) {
        all.extend(switches());
    }
    all.push("--help".into());
    all
}

fn command_names() -> String {
    COMMANDS.iter().map(|row| row.name).collect::<Vec<_>>().join(" ")
}

/// The words a command's positional argument can be.
fn words(command: &Command) -> String {
    match command.takes {
        Takes::Word(words) | Takes::Action(words) => words.join(" "),
        Takes::Command => command_names(),
        _ => String::new(),
    }
}

/// What an option's value is, as far as a shell can help with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// There is none.
    None,
    /// One of a few words.
    Choice,
    /// A file or a folder.
    File,
    /// A name of the user's own, a colon, and a file.
    NameAndFile,
    /// The same with a folder.
    NameAndFolder,
    /// Something only the user knows.
    Own,
}

impl Value {
    fn of(row: &Row) -> Value {
        match row.value {
            None => Value::None,
            Some(_) if !row.choices.is_empty() => Value::Choice,
            Some("FILE" | "DIR") => Value::File,
            Some(value) if value.starts_with("GUEST:HOST") => Value::NameAndFolder,
            Some(value) if value.ends_with(":PATH") => Value::NameAndFile,
            Some(_) => Value::Own,
        }
    }
}

/// The options with such a value.
fn with(value: Value) -> Vec<String> {
    rows().filter(|row| Value::of(row) == value).map(|row| format!("--{}", row.name)).collect()
}

/// The beginning of an option's help, short enough to stand beside others.
fn brief(row: &Row) -> &'static str {
    let marks = if row.help.len() > 60 { &["; ", ": ", ", "][..] } else { &["; ", ": "] };
    let end = marks.iter().filter_map(|mark| row.help.find(mark)).min();
    &row.help[..end.unwrap_or(row.help.len())]
}

/// The commands that are known under WasmEdge's name.
fn of_wasmedge(separator: &str) -> String {
    let known = COMMANDS.iter().filter(|row| Dialect::WasmEdge.knows(row));
    known.map(|row| row.name).collect::<Vec<_>>().join(separator)
}

fn with_choices() -> impl Iterator<Item = &'static Row> {
    rows().filter(|row| !row.choices.is_empty())
}

fn with_value() -> Vec<String> {
    rows().filter(|row| row.value.is_some()).map(|row| format!("--{}", row.name)).collect()
}

/// Bash takes `=` and `:` for words of their own, unless it is told otherwise; both ways are understood.
fn bash() -> String {
    let mut out = String::from(
        "_kinglet() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" command=\"\" word i\n",
    );
    out.push_str("  local name=\"${COMP_WORDS[0]##*/}\"\n  [[ $name == wasmedgec ]] && command=compile\n");
    out.push_str(
        "  if [[ $cur == = ]]; then cur=\"\"; elif [[ $prev == = ]]; then prev=\"${COMP_WORDS[COMP_CWORD-2]}\"; fi\n",
    );
    let _ = writeln!(out, "  for ((i = 1; i < COMP_CWORD; i++)); do\n    word=\"${{COMP_WORDS[i]}}\"");
    let _ = writeln!(out, "    case \"$word\" in\n      :|=) ((i++)) ;;\n      {}) ", with_value().join("|"));
    out.push_str("        [[ ${COMP_WORDS[i+1]} != = ]] && ((i++)) ;;\n      -*) ;;\n");
    let _ = writeln!(out, "      {}) [[ -z $command ]] && command=\"$word\" ;;", command_names().replace(' ', "|"));
    out.push_str("      *) [[ -z $command ]] && command=run ;;\n    esac\n  done\n  case \"$prev\" in\n");
    for row in with_choices() {
        let _ = writeln!(
            out,
            "    --{}) COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")); return ;;",
            row.name,
            row.choices.join(" ")
        );
    }
    let _ = writeln!(out, "    {}) COMPREPLY=(); return ;;", with(Value::Own).join("|"));
    for (value, files) in [(Value::NameAndFile, "-f"), (Value::NameAndFolder, "-d")] {
        let _ = writeln!(out, "    {})\n      COMPREPLY=()", with(value).join("|"));
        let _ = writeln!(
            out,
            "      [[ $cur == *:* ]] && COMPREPLY=($(compgen {files} -P \"${{cur%%:*}}:\" -- \"${{cur#*:}}\"))"
        );
        out.push_str("      return ;;\n");
    }
    out.push_str("    :) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n");
    out.push_str("  esac\n  [[ $cur == : ]] && COMPREPLY=($(compgen -f)) && return\n");
    out.push_str("  local options=\"\" words=\"\"\n  case \"${command:-run}\" in\n");
    for command in COMMANDS {
        let _ = writeln!(
            out,
            "    {}) options=\"{}\"; words=\"{}\" ;;",
            command.name,
            options(command).join(" "),
            words(command)
        );
    }
    let _ = writeln!(out, "  esac\n  [[ -z $command ]] && words=\"{}\"", command_names());
    let _ = writeln!(out, "  [[ -z $command && $name == wasmedge ]] && words=\"{}\"", of_wasmedge(" "));
    out.push_str("  if [[ $cur == -* ]]; then\n    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n  else\n");
    out.push_str("    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n  fi\n}\n");
    out.push_str("complete -o filenames -F _kinglet kinglet wasmedge wasmedgec\n");
    out
}

/// Text within single quotes of a POSIX shell.
fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''")
}

fn zsh() -> String {
    let mut out = String::from("#compdef kinglet wasmedge wasmedgec\n\n");
    // Only what follows a name and a colon is a path.
    for (name, folders) in [("file", ""), ("folder", " -/")] {
        let _ = writeln!(out, "_kinglet_{name}() {{\n  compset -P '*:' && _files{folders} \"$@\"\n}}\n");
    }
    out.push_str("_kinglet() {\n  local -a commands options\n  local command=${words[(r)");
    let _ = write!(out, "({})", command_names().replace(' ', "|"));
    out.push_str("]:-run}\n  [[ $service == wasmedgec ]] && command=compile\n  commands=(\n");
    for command in COMMANDS {
        let _ = writeln!(out, "    '{}:{}'", command.name, quoted(command.about).replace(':', "\\:"));
    }
    out.push_str("  )\n");
    let _ = writeln!(out, "  [[ $service == wasmedge ]] && commands=(${{(M)commands:#({}):*}})", of_wasmedge("|"));
    out.push_str("  case $command in\n");
    for command in COMMANDS {
        let _ = writeln!(out, "    {})\n      options=(", command.name);
        for row in rows_of(command) {
            let help = quoted(brief(row)).replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
            let star = if row.list { "*" } else { "" };
            let what = row.value.unwrap_or_default().replace(':', "\\:");
            let value = match Value::of(row) {
                Value::None => String::new(),
                Value::Choice => format!(":{what}:({})", row.choices.join(" ")),
                Value::File => format!(":{what}:_files"),
                Value::NameAndFile => format!(":{what}:_kinglet_file"),
                Value::NameAndFolder => format!(":{what}:_kinglet_folder"),
                Value::Own => format!(":{what}: "),
            };
            let _ = writeln!(out, "        '{star}--{}[{help}]{value}'", row.name);
        }
        if takes_proposals(command) {
            switches().for_each(|switch| {
                let _ = writeln!(out, "        '{switch}'");
            });
        }
        let words = words(command);
        if !words.is_empty() {
            let _ = writeln!(out, "        '*:word:({words})'");
        }
        out.push_str("        '--help[show the help]'\n      ) ;;\n");
    }
    out.push_str("  esac\n  _arguments -S $options '1:command or file:{ _describe command commands; _files }' '*:file:_files'\n}\n\n");
    out.push_str("_kinglet \"$@\"\n");
    out
}

fn fish() -> String {
    let names = command_names();
    let mut out = format!("set -l commands {names}\n");
    for command in COMMANDS {
        let about = quoted(command.about);
        let _ = writeln!(
            out,
            "complete -c kinglet -n \"not __fish_seen_subcommand_from $commands\" -a {} -d '{about}'",
            command.name
        );
    }
    for command in COMMANDS {
        let seen = if command.name == COMMANDS[0].name {
            format!(
                "not __fish_seen_subcommand_from {}",
                COMMANDS[1..].iter().map(|row| row.name).collect::<Vec<_>>().join(" ")
            )
        } else {
            format!("__fish_seen_subcommand_from {}", command.name)
        };
        for row in rows_of(command) {
            let short = row.short.map_or_else(String::new, |letter| format!(" -s {letter}"));
            let value = match Value::of(row) {
                Value::None => String::new(),
                Value::Choice => format!(" -x -a '{}'", row.choices.join(" ")),
                Value::Own => " -x".into(),
                // After a colon this shell offers files by itself.
                Value::File | Value::NameAndFile | Value::NameAndFolder => " -r".into(),
            };
            let _ = writeln!(
                out,
                "complete -c kinglet -n \"{seen}\" -l {}{short}{value} -d '{}'",
                row.name,
                quoted(brief(row))
            );
        }
        if takes_proposals(command) {
            switches().for_each(|switch| {
                let _ = writeln!(out, "complete -c kinglet -n \"{seen}\" -l {}", switch.trim_start_matches('-'));
            });
        }
        let words = words(command);
        if !words.is_empty() {
            let _ = writeln!(out, "complete -c kinglet -n \"{seen}\" -a '{words}'");
        }
    }
    out.push_str("complete -c kinglet -s h -l help -d 'show the help'\ncomplete -c kinglet -s v -l version -d 'show the version'\n");
    out.push_str("complete -c wasmedge -w kinglet\ncomplete -c wasmedgec -w 'kinglet compile'\n");
    out
}

fn powershell() -> String {
    let list = |words: Vec<String>| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    let names = list(COMMANDS.iter().map(|row| row.name.to_string()).collect());
    let mut out = String::from(
        "Register-ArgumentCompleter -Native -CommandName kinglet, wasmedge, wasmedgec -ScriptBlock {\n  param($word, $ast, $position)\n",
    );
    let _ = writeln!(out, "  $commands = @({names})\n  $options = @{{");
    for command in COMMANDS {
        let _ = writeln!(out, "    '{}' = @({})", command.name, list(options(command)));
    }
    out.push_str("  }\n  $values = @{\n");
    for row in with_choices() {
        let _ =
            writeln!(out, "    '--{}' = @({})", row.name, list(row.choices.iter().map(|it| it.to_string()).collect()));
    }
    out.push_str(
        "  }\n  $given = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })\n",
    );
    out.push_str("  $before = @($given | Where-Object { $_ -ne $word })\n");
    out.push_str("  $command = @($before | Where-Object { $commands -contains $_ })[0]\n");
    out.push_str("  $last = if ($before.Count -gt 0) { $before[-1] } else { '' }\n");
    out.push_str("  $all = if ($values.ContainsKey($last)) { $values[$last] }\n");
    out.push_str("    elseif ($word -like '-*') { $options[$(if ($command) { $command } else { 'run' })] }\n");
    out.push_str("    elseif (-not $command) { $commands } else { @() }\n");
    out.push_str("  $all | Where-Object { $_ -like \"$word*\" } |\n");
    out.push_str("    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }\n}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_knows_every_command_and_option() {
        for shell in SHELLS {
            let text = text(shell).unwrap();
            assert!(COMMANDS.iter().all(|row| text.contains(row.name)), "{shell}");
            rows().for_each(|row| assert!(text.contains(row.name), "{shell}: {}", row.name));
        }
        assert!(super::text("csh").is_none());
    }

    #[test]
    fn descriptions_are_short() {
        rows().for_each(|row| assert!((3..=70).contains(&brief(row).len()), "--{}: {}", row.name, brief(row)));
    }

    #[test]
    fn files_are_offered_where_a_file_is_wanted() {
        let zsh = zsh();
        for part in [
            "'--invoke[call this function, as `--reactor` does]:FUNCTION: '",
            ":NAME\\:PATH:_kinglet_file'",
            ":GUEST\\:HOST[\\:readonly]:_kinglet_folder'",
            ":FILE:_files'",
            ":MS: '",
        ] {
            assert!(zsh.contains(part), "{part}");
        }
        let fish = fish();
        for part in ["-l invoke -x -d", "-l module -r -d", "-l output -s o -r -d", "-l time-limit -x -d"] {
            assert!(fish.contains(part), "{part}");
        }
    }

    #[test]
    fn wasmedges_names_are_completed_too() {
        for shell in SHELLS {
            let text = text(shell).unwrap();
            assert!(text.contains("wasmedge ") || text.contains("wasmedge,"), "{shell}");
            assert!(text.contains("wasmedgec"), "{shell}");
        }
        assert_eq!(of_wasmedge(" "), "run compile parse validate instantiate");
    }
}
