//! How a job ended: its report on standard output, what is wrong on standard error, and the exit code.

use crate::arguments::{EveryCommand, Output};
use serde::Serialize;
use stage::{Failure, FailureKind, Problems, Report, Stopped};
use std::io::Write;
use std::process::ExitCode;

/// How many problems are shown to people; all that were kept are in the JSON report.
const SHOWN: usize = 50;

/// Prints a job's report, or why there is none.
pub fn end<T: Serialize>(
    every: &EveryCommand,
    command: &'static str,
    done: Result<Report<T>, Stopped>,
    show: impl FnOnce(&T) -> String,
) -> ExitCode {
    let report = match done {
        Ok(report) => report,
        Err(stopped) => return self::stopped(every, command, &stopped),
    };
    let shown = match every.output {
        Output::Text => show(&report.result),
        Output::Json => json(&report),
    };
    let printed = print(&shown);
    if every.output == Output::Text {
        show_problems(&report.problems);
    }
    finish(every, &report, report.exit_code(), printed)
}

/// The same for a command whose output is standard output: the report is a line on standard error.
pub fn end_beside_output<T: Serialize>(
    every: &EveryCommand,
    command: &'static str,
    done: Result<Report<T>, Stopped>,
) -> ExitCode {
    let report = match done {
        Ok(report) => report,
        Err(stopped) => return self::stopped(every, command, &stopped),
    };
    show_problems(&report.problems);
    finish(every, &report, report.exit_code(), Ok(()))
}

/// Prints why a job did not reach its end.
pub fn stopped(every: &EveryCommand, command: &'static str, stopped: &Stopped) -> ExitCode {
    #[derive(Serialize)]
    struct Failed<'a> {
        command: &'a str,
        outcome: FailureKind,
        failure: &'a Failure,
        #[serde(flatten)]
        problems: &'a Problems,
    }
    let Stopped { failure, problems } = stopped;
    let report = Failed { command, outcome: failure.kind, failure, problems };
    let printed = match every.output {
        Output::Json => print(&json(&report)),
        Output::Text => {
            show_problems(problems);
            line(&format!("error: {failure}"));
            Ok(())
        }
    };
    finish(every, &report, failure.exit_code(), printed)
}

fn finish<T: Serialize>(
    every: &EveryCommand,
    report: &T,
    code: u8,
    printed: std::io::Result<()>,
) -> ExitCode {
    if let Some(path) = &every.report
        && let Err(error) = std::fs::write(path, json(report))
    {
        line(&format!("error: writing the report: {}: {error}", path.display()));
        return ExitCode::from(code.max(1));
    }
    match printed {
        // Nobody reads any more, as they may.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            line(&format!("error: printing the report: {error}"));
            ExitCode::from(code.max(1))
        }
        _ => ExitCode::from(code),
    }
}

fn show_problems(problems: &Problems) {
    for problem in problems.kept().iter().take(SHOWN) {
        line(&format!("problem: {problem}"));
    }
    if problems.count() > SHOWN as u64 {
        line(&format!(
            "{} more problems: see the report (--output json or --report)",
            problems.count() - SHOWN as u64
        ));
    }
}

fn json<T: Serialize>(report: &T) -> String {
    let text = serde_json::to_string_pretty(report);
    text.map_or_else(|error| format!("{{\"failure\":\"{error}\"}}\n"), |text| text + "\n")
}

fn print(text: &str) -> std::io::Result<()> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Prints bytes that are no report.
pub fn plain(bytes: &[u8]) -> ExitCode {
    match print_bytes(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            line(&format!("error: printing: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// A line on standard error. If that is closed there is nobody left to read it.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
