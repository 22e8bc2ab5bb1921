use columns::batch::BatchCell;
use stage::{Bytes, Failure, Sink};
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
    /// A file of JSON Lines, one entry per line.
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

/// Edits as lines, as many as are written at a time. An entry may go on in the next.
pub struct EditLines {
    pub lines: Vec<u8>,
    /// Whether nothing of the stream was lost until here.
    pub whole: bool,
}

impl Bytes for EditLines {
    fn bytes(&self) -> usize {
        self.lines.capacity()
    }
}

/// Lines of edits in the making.
pub struct Lines {
    made: EntryLines,
    /// The file that they are for.
    file: PathBuf,
}

impl Lines {
    /// Adds a cell of an entry; `is_first`: another entry begins with it.
    #[inline]
    pub fn push(&mut self, table: &str, edit: &BatchCell<'_>, is_first: bool) -> Result<(), Failure> {
        self.made.push(table, edit, is_first).map_err(|error| {
            Failure::failed(WRITING, self.file.display(), error.what)
                .hint("--hex shows families in hexadecimal")
        })
    }

    /// Whether it is time to write.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.made.is_full()
    }

    /// Ends the last entry.
    pub fn end(&mut self) {
        self.made.end();
    }

    /// What there is.
    pub fn take(&mut self) -> Vec<u8> {
        self.made.take()
    }
}

/// The target: its file, if it has one, counts once all was written and nothing of the stream was lost.
pub struct EditSink {
    file: Option<JsonLines>,
    whole: bool,
}

impl EditSink {
    pub fn begin(target: &Target) -> Result<Self, Failure> {
        let file = match target {
            Target::Null => None,
            Target::JsonLines(file) => Some(JsonLines::begin(file)?),
            Target::HFiles(uri) => return Err(Failure::usage(format!("{uri}: HFiles are not a stream"))),
        };
        Ok(Self { file, whole: true })
    }

    /// The lines that it wants, if any.
    pub fn lines(&self, hex: bool) -> Option<Lines> {
        let file = self.file.as_ref()?;
        Some(Lines { made: EntryLines::new(hex), file: file.name.clone() })
    }
}

impl Sink for EditSink {
    type In = EditLines;
    type Report = bool;

    fn write(&mut self, edits: EditLines) -> Result<(), Failure> {
        self.whole &= edits.whole;
        self.file.as_mut().map_or(Ok(()), |file| file.write(&edits.lines))
    }

    /// True if the target counts.
    fn finish(self) -> Result<bool, Failure> {
        if self.whole {
            self.file.map_or(Ok(()), JsonLines::finish)?;
        }
        Ok(self.whole)
    }
}

const WRITING: &str = "writing the edits";

/// A file that gets its name when it is whole; until then it lies beside it under another name.
struct JsonLines {
    name: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
}

impl JsonLines {
    fn begin(file: &str) -> Result<Self, Failure> {
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
        Ok(Self { name, partial, out })
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), Failure> {
        self.out.write_all(lines).map_err(|error| unwritten(&self.partial, &error))
    }

    /// A hard link never replaces a file that appeared in the meantime.
    fn finish(mut self) -> Result<(), Failure> {
        let synced = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
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
        // What is not whole is of no use to anybody.
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
