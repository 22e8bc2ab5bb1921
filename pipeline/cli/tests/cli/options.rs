//! The command line itself.

use crate::roots;
use crate::support::{command, report, run, text, tidegate, tour};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

const COMMANDS: [&str; 24] = [
    "",
    "export",
    "snapshot",
    "snapshot list",
    "snapshot info",
    "snapshot verify",
    "image",
    "image list",
    "image info",
    "hfile",
    "hfile info",
    "hfile verify",
    "hfile cat",
    "wal",
    "wal info",
    "wal cat",
    "wal verify",
    "wal salvage",
    "convert",
    "cut",
    "replay",
    "restore",
    "scan",
    "completions",
];

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let words = command.split(' ').filter(|word| !word.is_empty());
        let long = tidegate(words.clone().chain(["--help"])).with(0);
        assert!(long.out.contains("Usage: tidegate"), "{command}: {}", long.out);
        assert!(long.err.is_empty(), "{command}: {}", long.err);
        tidegate(words.chain(["-h"])).with(0);
    }
    let version = tidegate(["--version"]).with(0);
    assert!(version.out.starts_with("tidegate "), "{}", version.out);
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(tidegate(["completions", shell]).with(0).out.contains("tidegate"), "{shell}");
    }
}

#[test]
fn wrong_usage_is_code_2_and_says_what_is_right() {
    let tour = tour();
    let from = text(&tour);
    for arguments in [
        vec![],
        vec!["nothing"],
        vec!["export"],
        vec!["export", "--from", from, "--snapshot", "x"],
        vec!["export", "--from", from, "--snapshot", "../x", "--to", "/nowhere"],
        vec!["export", "--from", from, "--snapshot", "x", "--to", "s3://b/p"],
        vec!["export", "--from", from, "--snapshot", "x", "--to", "/nowhere", "--range-size", "100KB"],
        vec!["export", "--from", from, "--snapshot", "x", "--to", "/nowhere", "--workers", "0"],
        vec!["export", "--from", from, "--snapshot", "x", "--to", "/nowhere", "--chmod", "999"],
        vec!["export", "--from", from, "--snapshot", "x", "--to", "/nowhere", "--bandwidth", "0"],
        vec!["snapshot", "verify", "--from", from, "x", "--level", "all"],
        vec!["hfile", "cat"],
        vec!["hfile", "cat", "--row", "\\x1", "/nowhere"],
        vec!["--memory", "lots", "snapshot", "list", "--from", from],
    ] {
        let ran = tidegate(&arguments).with(2);
        assert!(ran.err.contains("error") || ran.err.contains("Usage"), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn what_is_no_terminal_gets_no_colours_and_no_bars() {
    let target = tempfile::tempdir().unwrap();
    let tour = tour();
    let to = text(target.path());
    let export = ["export", "--from", text(&tour), "--snapshot", "orders-after", "--to", to];
    let lines = [
        tidegate(export).with(0),
        tidegate(["snapshot", "list", "--from", to]).with(0),
        tidegate(["snapshot", "verify", "--from", to, "orders-after"]).with(0),
        tidegate(["image", "list", "--from", to]).with(0),
        tidegate(["snapshot", "info", "--from", to, "missing"]).with(1),
        tidegate(["snapshot", "nonsense"]).with(2),
    ];
    for ran in lines {
        assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'), "{:?} {:?}", ran.out, ran.err);
        assert!(!ran.out.contains('\r') && !ran.err.contains('\r'), "{:?} {:?}", ran.out, ran.err);
        assert!(ran.out.lines().all(|line| line.trim_end() == line), "trailing spaces: {:?}", ran.out);
    }
}

/// The command line wins, then the environment, then the file.
#[test]
fn where_an_option_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tidegate.toml");
    let tour = tour();
    fs::write(&config, format!("[every]\noutput = \"json\"\n[snapshot.list]\nfrom = {:?}\n", text(&tour)))
        .unwrap();
    let is_json = |ran: &crate::support::Ran| serde_json::from_str::<Value>(&ran.out).is_ok();
    let with_config = |more: &[&str], env: Option<(&str, &str)>| {
        let arguments = ["snapshot", "list", "--config", text(&config)];
        let mut command = command(arguments.iter().chain(more));
        command.envs(env);
        run(command)
    };
    assert!(is_json(&with_config(&[], None).with(0)));
    assert!(!is_json(&with_config(&[], Some(("TIDEGATE_OUTPUT", "text"))).with(0)));
    assert!(is_json(&with_config(&["--output", "json"], Some(("TIDEGATE_OUTPUT", "text"))).with(0)));
    let mut from_environment = command(["snapshot", "list"]);
    from_environment.env("TIDEGATE_CONFIG", &config);
    assert!(is_json(&run(from_environment).with(0)));
    with_config(&["--from", text(dir.path())], None).with(1);
    let mut elsewhere = command(["snapshot", "list"]);
    elsewhere.env("TIDEGATE_FROM", text(&tour));
    run(elsewhere).with(0);

    for (wrong, named) in [
        ("[export]\nworker = 3\n", "worker"),
        ("[exports]\n", "exports"),
        ("[every]\noutput = 1.5\n", "output"),
        ("not toml", "tidegate.toml"),
    ] {
        fs::write(&config, wrong).unwrap();
        let ran = with_config(&["--from", text(&tour)], None).with(2);
        assert!(ran.err.contains(named), "{wrong}: {}", ran.err);
    }
    fs::remove_file(&config).unwrap();
    with_config(&["--from", text(&tour)], None).with(2);
}

#[test]
fn the_report_is_written_whatever_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (file, tour) = (dir.path().join("report.json"), tour());
    let read = || serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap();
    let arguments =
        |name: &'static str| ["snapshot", "verify", "--from", text(&tour), name, "--report", text(&file)];
    let ran = tidegate(arguments("orders-after")).with(0);
    assert!(ran.out.contains("is whole"), "{}", ran.out);
    assert_eq!(read()["outcome"], "done");
    tidegate(arguments("missing")).with(1);
    assert_eq!(read()["failure"]["kind"], "failed");
    let nowhere =
        tidegate(["snapshot", "list", "--from", text(&tour), "--report", "/nowhere/report"]).with(1);
    assert!(nowhere.err.contains("/nowhere/report"), "{}", nowhere.err);
    let cat =
        tidegate(["hfile", "cat", text(&crate::support::hfiles(&tour)[0]), "--report", text(&file)]).with(0);
    assert_eq!(read()["cells"], cat.out.lines().count() as u64);
}

#[test]
fn nobody_listens_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("00000000000000000000000000000001");
    fs::write(&file, fixtures::hfile(1, 0, 2_000_000)).unwrap();
    for arguments in [vec!["hfile", "cat", text(&file)], vec!["completions", "bash"]] {
        let mut child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "{err}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {err}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("SKIPPED: output_that_cannot_be_written_is_a_failure: there is no /dev/full");
        return;
    };
    let tour = tour();
    let file = crate::support::hfiles(&tour)[0].clone();
    for arguments in [vec!["hfile", "cat", text(&file)], vec!["snapshot", "list", "--from", text(&tour)]] {
        let mut command = command(&arguments);
        command.stdout(full.try_clone().unwrap());
        let ran = run(command).with(1);
        assert!(ran.err.contains("space"), "{}", ran.err);
    }
}

#[test]
fn an_interrupt_is_code_130_and_the_same_command_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (root, target) = (dir.path().join("root"), dir.path().join("target"));
    roots::make(&root, &[900_000, 10_000]);
    let arguments =
        ["export", "--from", text(&root), "--snapshot", "s1", "--to", text(&target), "--range-size", "64KiB"];
    // Slow enough to be interrupted once the journal shows that it is under way.
    let slow = ["--bandwidth", "200KB/s", "--workers", "1"];
    let child = command(arguments.iter().chain(&slow)).stderr(Stdio::piped()).spawn().unwrap();
    let under_way = || {
        let journals = crate::support::files_below(&target.join(".tidegate/journal"));
        journals.iter().any(|journal| journal.metadata().is_ok_and(|status| status.len() > 100))
    };
    let begun = Instant::now();
    while !under_way() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(err.contains("interrupted") && err.contains("hint: run the same command again"), "{err}");
    assert!(!target.join(".hbase-snapshot/s1").exists());
    let (code, finished) = report(&arguments);
    assert_eq!(code, 0, "{finished}");
    assert!(finished["source_bytes_read"].as_u64() < finished["files"]["bytes"].as_u64(), "{finished}");
}
