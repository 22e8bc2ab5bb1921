use columns::batch::BatchCell;
use stage::Failure;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use steps::edits::EntryLines;

/// Where edits go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Nowhere: they are only counted.
    Null,
    /// A file of JSON Lines, an entry a line.
    JsonLines(String),
    /// HFiles for completebulkload, in a new directory.
    HFiles(String),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("null", "")) => Ok(Self::Null),
            Some(("jsonl", file)) if !file.is_empty() => Ok(Self::JsonLines(file.to_owned())),
            Some(("hfiles", uri)) if !uri.is_empty() => Ok(Self::HFiles(uri.to_owned())),
            Some(("hbase", _)) => Err("this version cannot write into a running HBase yet; \
                 `tidegate restore` makes a snapshot that HBase clones"
                .to_owned()),
            _ => Err("give null:, jsonl:FILE or hfiles:URI".to_owned()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null:"),
            Self::JsonLines(file) => write!(f, "jsonl:{file}"),
            Self::HFiles(uri) => write!(f, "hfiles:{uri}"),
        }
    }
}

/// A target that is being written.
pub enum EditSink {
    Null,
    JsonLines(Box<JsonLines>),
}

impl EditSink {
    pub fn begin(target: &Target, hex: bool) -> Result<Self, Failure> {
        match target {
            Target::Null => Ok(Self::Null),
            Target::JsonLines(file) => Ok(Self::JsonLines(Box::new(JsonLines::begin(file, hex)?))),
            Target::HFiles(uri) => Err(Failure::usage(format!("{uri}: HFiles are no stream"))),
        }
    }

    /// Takes one cell of an entry; `is_first`: another entry begins with it.
    #[inline]
    pub fn take(&mut self, table: &str, edit: &BatchCell<'_>, is_first: bool) -> Result<(), Failure> {
        match self {
            Self::Null => Ok(()),
            Self::JsonLines(lines) => lines.take(table, edit, is_first),
        }
    }

    /// Makes what was taken count.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Null => Ok(()),
            Self::JsonLines(lines) => lines.finish(),
        }
    }
}

const WRITING: &str = "writing the edits";

/// A file that gets its name when it is whole; until then it lies beside, under another.
pub struct JsonLines {
    name: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
    lines: EntryLines,
}

impl JsonLines {
    fn begin(file: &str, hex: bool) -> Result<Self, Failure> {
        let name = PathBuf::from(file);
        if name.symlink_metadata().is_ok() {
            return Err(taken(&name));
        }
        let mut partial = name.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let made = OpenOptions::new().write(true).create(true).truncate(true).open(&partial);
        let made = made.map_err(|error| unwritten(&partial, &error))?;
        let out = BufWriter::with_capacity(1 << 20, made);
        Ok(Self { name, partial, out, lines: EntryLines::new(hex) })
    }

    fn take(&mut self, table: &str, edit: &BatchCell<'_>, is_first: bool) -> Result<(), Failure> {
        let unprintable = |error: formats::FormatError| {
            Failure::failed(WRITING, self.name.display(), error.what)
                .hint("--hex shows families in hexadecimal")
        };
        self.lines.push(table, edit, is_first).map_err(unprintable)?;
        match self.lines.is_full() {
            true => self.lines.write(&mut self.out).map_err(|error| unwritten(&self.partial, &error)),
            false => Ok(()),
        }
    }

    /// A hard link never replaces a file that came meanwhile.
    fn finish(mut self) -> Result<(), Failure> {
        self.lines.end();
        let written = self.lines.write(&mut self.out).and_then(|()| self.out.flush());
        let synced = written.and_then(|()| self.out.get_ref().sync_all());
        synced.map_err(|error| unwritten(&self.partial, &error))?;
        std::fs::hard_link(&self.partial, &self.name).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => taken(&self.name),
            _ => unwritten(&self.name, &error),
        })?;
        let removed = std::fs::remove_file(&self.partial);
        let home = self.name.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let synced = removed.and_then(|()| File::open(home)).and_then(|home| home.sync_all());
        synced.map_err(|error| unwritten(&self.name, &error))
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        // What did not become whole is of no use to anybody.
        let _ = std::fs::remove_file(&self.partial);
    }
}

fn taken(name: &Path) -> Failure {
    Failure::refused(WRITING, name.display(), "there is a file of this name already")
        .hint("give another name, or remove it")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(WRITING, path.display(), error)
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_target_is_typed_as_in_the_manual() {
        let read = |text: &str| text.parse::<Target>();
        assert_eq!(read("null:"), Ok(Target::Null));
        assert_eq!(read("jsonl:/a/b:c"), Ok(Target::JsonLines("/a/b:c".into())));
        assert_eq!(read("hfiles:file:///a/b"), Ok(Target::HFiles("file:///a/b".into())));
        for (bad, why) in
            [("null", "null:"), ("jsonl:", "jsonl:FILE"), ("hbase://zk", "restore"), ("null:x", "null:")]
        {
            assert!(read(bad).unwrap_err().contains(why), "{bad:?}");
        }
    }
}
