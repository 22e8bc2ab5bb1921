//! The `tidegate` binary: arguments become options, events become progress bars, reports become tables or JSON, and
//! how a job ended becomes the exit code.

mod arguments;
mod bars;
mod config;
mod meaning;
mod report;
mod show;

use arguments::{Arguments, Command, EveryCommand, Hfile, Image, Snapshot, Wal};
use clap::{CommandFactory, FromArgMatches};
use jobs::Context;
use stage::Stopped;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match parse(std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(exit) => return exit,
    };
    let Arguments { command, every } = arguments;
    if let Command::Completions { shell } = command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "tidegate", &mut script);
        return report::plain(&script);
    }
    let name = name_of(&command);
    // A report replaces a file of its name, but never one that belongs to a table.
    let named = every.report.as_deref().map(std::path::Path::to_string_lossy);
    if let Some(Err(other)) =
        named.map(|path| jobs::refuse_other_kind("writing the report", &path, "a report"))
    {
        report::line(&format!("error: {other}"));
        return ExitCode::from(other.exit_code());
    }
    match meaning::context(&every) {
        Ok(context) => run(command, name, &every, &context),
        Err(failure) => report::stopped(&every, name, &failure.into()),
    }
}

/// Reads the command line; with a configuration file in it, once more with the file's values as defaults.
fn parse(typed: Vec<OsString>) -> Result<Arguments, ExitCode> {
    let read = |command: clap::Command| {
        let matches = command.try_get_matches_from(&typed)?;
        Arguments::from_arg_matches(&matches)
    };
    let parsed = match config::named_in(&typed) {
        None => read(Arguments::command()),
        Some(path) => match config::with_defaults(Arguments::command(), &path) {
            Ok(command) => read(command),
            Err(wrong) => {
                report::line(&format!("error: reading the configuration: {wrong}"));
                return Err(ExitCode::from(2));
            }
        },
    };
    parsed.map_err(|error| {
        // Help and version come this way, too, with code 0.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

fn name_of(command: &Command) -> &'static str {
    match command {
        Command::Export(_) => "export",
        Command::Snapshot(Snapshot::List { .. }) => "snapshot list",
        Command::Snapshot(Snapshot::Info { .. }) => "snapshot info",
        Command::Snapshot(Snapshot::Verify { .. }) => "snapshot verify",
        Command::Image(Image::List { .. }) => "image list",
        Command::Image(Image::Info { .. }) => "image info",
        Command::Hfile(Hfile::Info { .. }) => "hfile info",
        Command::Hfile(Hfile::Verify { .. }) => "hfile verify",
        Command::Hfile(Hfile::Cat { .. }) => "hfile cat",
        Command::Wal(Wal::Info { .. }) => "wal info",
        Command::Wal(Wal::Cat { .. }) => "wal cat",
        Command::Wal(Wal::Verify { .. }) => "wal verify",
        Command::Wal(Wal::Salvage { .. }) => "wal salvage",
        Command::Convert(_) => "convert",
        Command::Cut(_) => "cut",
        Command::Restore(_) => "restore",
        Command::Replay(_) => "replay",
        Command::Scan(_) => "scan",
        Command::Completions { .. } => "completions",
    }
}

fn run(command: Command, name: &'static str, every: &EveryCommand, context: &Context) -> ExitCode {
    match command {
        Command::Export(typed) => {
            let done = jobs::export::run(&meaning::export(typed), context);
            report::end(every, name, done, show::export)
        }
        Command::Snapshot(command) => snapshot(command, name, every, context),
        Command::Image(command) => image(command, name, every),
        Command::Hfile(command) => hfile(command, name, every, context),
        Command::Wal(command) => wal(command, name, every, context),
        Command::Convert(typed) => {
            let done = jobs::convert::run(&meaning::convert(typed), context);
            report::end(every, name, done, show::convert)
        }
        Command::Cut(typed) => {
            let options = meaning::cut(typed.cut, typed.workers, None);
            let done = options.map_err(Stopped::from).and_then(|options| jobs::cut::run(&options, context));
            report::end(every, name, done, show::cut)
        }
        Command::Restore(typed) => {
            let done = meaning::restore(typed).map_err(Stopped::from);
            let done = done.and_then(|options| jobs::restore::run(&options, context));
            report::end(every, name, done, show::restore)
        }
        Command::Replay(typed) => {
            let options = meaning::replay(typed).map_err(Stopped::from);
            let done = options.and_then(|options| jobs::replay::run(&options, context));
            report::end(every, name, done, show::replay)
        }
        Command::Scan(typed) => {
            let done = meaning::scan(typed).map_err(Stopped::from).and_then(|options| {
                let mut out = std::io::stdout().lock();
                jobs::scan::run(&options, context, &mut out)
            });
            report::end_beside_output(every, name, done)
        }
        Command::Completions { .. } => ExitCode::SUCCESS,
    }
}

fn snapshot(command: Snapshot, name: &'static str, every: &EveryCommand, context: &Context) -> ExitCode {
    match command {
        Snapshot::List { from } => {
            let done = jobs::snapshot::list(&from, context).map_err(Stopped::from);
            report::end(every, name, done, show::snapshots)
        }
        Snapshot::Info { from, name: snapshot, files, schema, stats } => {
            let done = jobs::snapshot::info(&from, &snapshot, files, context).map_err(Stopped::from);
            report::end(every, name, done, |report| show::snapshot(report, schema, stats))
        }
        Snapshot::Verify { from, name: snapshot, level, workers } => {
            let (level, workers) = (level.into(), usize::from(workers));
            let options = jobs::snapshot::VerifyOptions { from, snapshot, level, workers };
            let done = jobs::snapshot::verify(&options, context).map_err(Stopped::from);
            report::end(every, name, done, show::snapshot_verified)
        }
    }
}

fn image(command: Image, name: &'static str, every: &EveryCommand) -> ExitCode {
    match command {
        Image::List { from } => {
            report::end(every, name, jobs::image::list(&from).map_err(Stopped::from), show::images)
        }
        Image::Info { from, id, files } => {
            report::end(every, name, jobs::image::info(&from, &id, files).map_err(Stopped::from), show::image)
        }
    }
}

fn hfile(command: Hfile, name: &'static str, every: &EveryCommand, context: &Context) -> ExitCode {
    match command {
        Hfile::Info { files } => {
            report::end(every, name, jobs::hfile::info(&files).map_err(Stopped::from), show::hfiles)
        }
        Hfile::Verify { files, level, workers, zstd_dictionary } => {
            let done = meaning::dictionaries(&zstd_dictionary).and_then(|dictionaries| {
                jobs::hfile::verify(&files, level.into(), usize::from(workers), &dictionaries, context)
            });
            report::end(every, name, done.map_err(Stopped::from), show::hfiles_verified)
        }
        Hfile::Cat { files, sequence, row, family, limit, hex, zstd_dictionary } => {
            let done = meaning::dictionaries(&zstd_dictionary).and_then(|dictionaries| {
                let options = meaning::cat(sequence, hex, row.as_deref(), family.as_deref())?;
                let mut out = std::io::stdout().lock();
                jobs::hfile::cat(&files, &options, limit, &dictionaries, &mut out)
            });
            report::end_beside_output(every, name, done.map_err(Stopped::from))
        }
    }
}

fn wal(command: Wal, name: &'static str, every: &EveryCommand, context: &Context) -> ExitCode {
    let memory = context.memory;
    match command {
        Wal::Info { files } => {
            report::end(every, name, jobs::wal::info(&files, memory).map_err(Stopped::from), show::wals)
        }
        Wal::Verify { files } => report::end(
            every,
            name,
            jobs::wal::verify(&files, memory).map_err(Stopped::from),
            show::wals_verified,
        ),
        Wal::Salvage { file, to } => {
            let done = jobs::wal::salvage(&file, to.as_deref(), memory).map_err(Stopped::from);
            report::end(every, name, done, show::salvaged)
        }
        Wal::Cat { files, table, region, row, family, sequence, time, limit, hex } => {
            let typed = meaning::EntriesTyped { table, region, row, family, sequence, time, hex };
            let done = meaning::entries(typed).and_then(|options| {
                let mut out = std::io::stdout().lock();
                jobs::wal::cat(&files, &options, limit, memory, &mut out)
            });
            report::end_beside_output(every, name, done.map_err(Stopped::from))
        }
    }
}
