//! Every command of the operator's guide, run as it stands there.

use crate::support;
use crate::support::{repository, run, text, tour};
use std::path::Path;
use std::process::Command;

/// The commands in the `sh` blocks of a page, in order.
fn commands(page: &str) -> Vec<&str> {
    let mut inside = false;
    let mut commands = Vec::new();
    for line in page.lines().map(str::trim) {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => commands.push(line),
            _ => {}
        }
    }
    commands
}

/// A command's words, with the guide's directories in their places.
fn words(command: &str, places: &[(&str, &Path)]) -> Vec<String> {
    let place = |word: &str| {
        let (scheme, path) = word.split_once(":/").map_or(("", word), |(scheme, _)| {
            let scheme = &word[..scheme.len() + 1];
            (scheme, &word[scheme.len()..])
        });
        let found = places.iter().find_map(|(named, dir)| {
            let rest = path.strip_prefix(named)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{scheme}{}{rest}", text(dir)))
        });
        found.unwrap_or_else(|| word.to_owned())
    };
    command.split_whitespace().map(place).collect()
}

fn in_repository(arguments: &[String]) -> Command {
    let mut command = support::command(arguments);
    command.current_dir(repository());
    command
}

#[test]
fn every_command_of_the_guide_does_what_the_guide_says() {
    let page = std::fs::read_to_string(repository().join("docs/guide.md")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (hbase, backup, other) = (tour(), dir.path().join("backup"), dir.path().join("other"));
    let places = [("/hbase", hbase.as_path()), ("/backup", &backup), ("/other/hbase", &other)];
    let commands = commands(&page);
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands {
        let words = words(command, &places);
        assert_eq!(words[0], "tidegate", "{command}");
        let ran = run(in_repository(&words[1..]));
        assert_eq!(ran.code, 0, "{command}\n{}\n{}", ran.out, ran.err);
    }
}
