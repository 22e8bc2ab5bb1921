//! Defaults from a configuration file: a table per command (`[export]`, `[snapshot.verify]`), keys as the long options,
//! and `[every]` for the options of every command. The command line wins, then `TIDEGATE_*`, then the file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The configuration file that a command line or `TIDEGATE_CONFIG` names.
pub fn named_in(typed: &[OsString]) -> Option<PathBuf> {
    let mut typed = typed.iter();
    while let Some(word) = typed.next() {
        let Some(text) = word.to_str() else { continue };
        match text.strip_prefix("--config") {
            Some("") => return typed.next().map(PathBuf::from),
            Some(rest) if rest.starts_with('=') => return Some(PathBuf::from(rest.trim_start_matches('='))),
            _ if text == "--" => break,
            _ => {}
        }
    }
    std::env::var_os("TIDEGATE_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The arguments of `command` with the file's values as defaults. An unknown command, an unknown option, or a value
/// that is no text, number or boolean is an error that names it.
pub fn with_defaults(command: clap::Command, path: &Path) -> Result<clap::Command, String> {
    jobs::refuse_other_kind("reading", &path.to_string_lossy(), "a file of TOML").map_err(|other| {
        format!("{}: {}\n  hint: {}", other.subject, other.wrong, other.hint.unwrap_or_default())
    })?;
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let table: toml::Table = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
    apply(command, &table, true).map_err(|wrong| format!("{}: {wrong}", path.display()))
}

fn apply(mut command: clap::Command, table: &toml::Table, top: bool) -> Result<clap::Command, String> {
    for (key, value) in table {
        match value {
            toml::Value::Table(every) if top && key == "every" => command = apply(command, every, false)?,
            toml::Value::Table(inner) => {
                let known = command.get_subcommands().any(|sub| sub.get_name() == key);
                if !known {
                    return Err(format!("[{key}] is not a command"));
                }
                // `mut_subcommand` cannot fail, so the error is carried out of it.
                let mut wrong = Ok(());
                command = command.mut_subcommand(key.clone(), |sub| match apply(sub.clone(), inner, false) {
                    Ok(sub) => sub,
                    Err(error) => {
                        wrong = Err(error);
                        sub
                    }
                });
                wrong?;
            }
            value => command = default_of(command, key, value)?,
        }
    }
    Ok(command)
}

fn default_of(command: clap::Command, key: &str, value: &toml::Value) -> Result<clap::Command, String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        _ => return Err(format!("{key}: give text, a number, true or false")),
    };
    let id = command.get_arguments().find(|arg| arg.get_long() == Some(key)).map(|arg| arg.get_id().clone());
    let Some(id) = id else { return Err(format!("{key} is not an option of {}", command.get_name())) };
    Ok(command.mut_arg(id, |arg| arg.default_value(text).required(false)))
}
