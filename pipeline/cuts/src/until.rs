//! Where a cut is asked for, and the documents that say so.

use crate::READING;
use crate::{AcceptGaps, CutOptions};
use catalog::time;
use catalog::{CatalogError, MarkerDocument};
use history::{ClockError, Clocks, Cut, History, RollMarker, Starts};
use names::{EncodedRegionName, ServerName, WalName};
use stage::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use steps::bytes::failed_storage;
use steps::bytes::refuse_other_kind;
use store::{Store, StoreError};

/// Where a cut is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// `snapshot`: the snapshot's files alone.
    Snapshot,
    /// `marker:NAME`: a marker of the repository.
    Marker(String),
    /// `marker:FILE`: a marker in a file.
    MarkerFile(String),
    /// `time:2026-11-20T10:00:00Z` or `time:<epoch ms>`, in ms.
    Time(i64),
    /// `sequences:FILE`: last ids by region.
    Sequences(String),
    /// `end`: everything readable.
    End,
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, rest) {
            ("snapshot", None) => Ok(Self::Snapshot),
            ("end", None) => Ok(Self::End),
            ("marker", Some(name)) if name.contains('/') || name.ends_with(".json") => {
                Ok(Self::MarkerFile(name.to_owned()))
            }
            ("marker", Some(name)) if !name.is_empty() => Ok(Self::Marker(name.to_owned())),
            ("sequences", Some(file)) if !file.is_empty() => Ok(Self::Sequences(file.to_owned())),
            ("time", Some(time)) => time::parse_typed(time).map(Self::Time),
            _ => Err("give snapshot, marker:NAME, marker:FILE, time:TIME, sequences:FILE or end".to_owned()),
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot => f.write_str("snapshot"),
            Self::Marker(name) | Self::MarkerFile(name) => write!(f, "marker:{name}"),
            Self::Time(ms) => write!(f, "time:{ms}"),
            Self::Sequences(file) => write!(f, "sequences:{file}"),
            Self::End => f.write_str("end"),
        }
    }
}

/// Refuses, before anything is read, a cut that names a file of a known kind other than JSON.
///
/// # Errors
/// What the file is, and what reads it.
pub fn refuse_other_files(options: &CutOptions) -> Result<(), Failure> {
    let until = match &options.until {
        Until::MarkerFile(file) => Some(("reading the marker", file)),
        Until::Sequences(file) => Some(("reading the sequence ids", file)),
        _ => None,
    };
    let gaps = match &options.accept_gaps {
        Some(AcceptGaps::File(file)) => Some(("reading the accepted gaps", file)),
        _ => None,
    };
    let clocks = options.clocks.as_ref().map(|file| ("reading the clocks", file));
    let dependencies = options.dependencies.as_ref().map(|file| ("reading the dependencies", file));
    for (doing, file) in [until, gaps, clocks, dependencies].into_iter().flatten() {
        refuse_other_kind(doing, file, "JSON")?;
    }
    Ok(())
}

/// Longest document that is read whole.
const MAX_DOCUMENT: u64 = 256 << 20;

/// The bytes of a file that the command line names.
pub fn read_file(doing: &str, file: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: StoreError| match error.is_not_found() {
        true => Failure::failed(doing, file, "there is no such file").hint("check how its path is typed"),
        false => failed_storage(doing, &error),
    };
    let (store, path) = store::connect_around(file).map_err(failed)?;
    store::read_all(store.as_ref(), &path, MAX_DOCUMENT).map_err(failed)
}

/// The input of a cut.
pub struct Asking<'a> {
    pub history: &'a History,
    pub starts: &'a Starts,
    pub clocks: &'a Clocks,
    /// Regions of other tables.
    pub others: &'a BTreeSet<EncodedRegionName>,
    pub store: &'a dyn Store,
}

impl Asking<'_> {
    /// The requested cut.
    pub fn cut_at(&self, until: &Until) -> Result<Cut, Failure> {
        let Self { history, starts, clocks, store, .. } = *self;
        Ok(match until {
            Until::Snapshot => history::at_snapshot(history, starts),
            Until::End => history::at_end(history),
            Until::Time(ms) => history::at_time(history, *ms, clocks),
            Until::Marker(name) => history::at_marker(history, &named_marker(store, name)?),
            Until::MarkerFile(file) => {
                let bytes = read_file("reading the marker", file)?;
                let document =
                    catalog::decode_marker(file, &bytes).map_err(|error| unusable("marker", error))?;
                history::at_marker(history, &roll_marker(&document, file)?)
            }
            Until::Sequences(file) => history::at_sequences(history, starts, &self.vector(file)?),
        })
    }

    /// The ids that a file gives, without those of other tables' regions: it may come from a cut of more tables.
    fn vector(&self, file: &str) -> Result<BTreeMap<EncodedRegionName, u64>, Failure> {
        let bytes = read_file("reading the sequence ids", file)?;
        let read = catalog::decode_sequences(file, &bytes);
        let mut vector = BTreeMap::new();
        for (region, last) in read.map_err(|error| unusable("sequence ids", error))? {
            let name = EncodedRegionName::parse(&region)
                .map_err(|error| Failure::usage(format!("{file}: {region:?}: {}", error.what)))?;
            if !self.others.contains(&name) {
                vector.insert(name, last);
            }
        }
        Ok(vector)
    }
}

fn named_marker(store: &dyn Store, name: &str) -> Result<RollMarker, Failure> {
    let (document, path) = catalog::read_marker(store, name).map_err(|error| error.failed(READING))?;
    let none = || {
        Failure::failed("looking for the marker", &path, "there is no such marker")
            .hint("marker:FILE reads one from a file (a path with a /, or a name that ends in .json)")
    };
    roll_marker(&document.ok_or_else(none)?, path.as_str())
}

fn roll_marker(document: &MarkerDocument, path: &str) -> Result<RollMarker, Failure> {
    let wrong = |error: names::NameError| Failure::failed("reading the marker", path, error.what);
    let mut servers = BTreeMap::new();
    for (server, rolled) in &document.servers {
        let opened = rolled.opened.iter().map(|wal| WalName::parse(wal)).collect::<Result<_, _>>();
        servers.insert(ServerName::parse(server).map_err(wrong)?, opened.map_err(wrong)?);
    }
    Ok(RollMarker { name: document.name.clone(), created_ms: document.created_ms, servers })
}

/// What is known of the servers' clocks.
pub fn clocks(bound_ms: Option<u32>, file: Option<&str>) -> Result<Clocks, Failure> {
    let mut clocks = bound_ms.map_or_else(Clocks::default, Clocks::within);
    let Some(file) = file else { return Ok(clocks) };
    let bytes = read_file("reading the clocks", file)?;
    for (server, error) in catalog::decode_clocks(file, &bytes).map_err(|error| unusable("clocks", error))? {
        if error.low > error.high {
            let what = format!("{file}: {server}: low {} is above high {}", error.low, error.high);
            return Err(Failure::usage(what));
        }
        let error = ClockError { low: error.low, high: error.high };
        if server == "others" {
            clocks.others = Some(error);
            continue;
        }
        let name =
            ServerName::parse(&server).map_err(|wrong| Failure::usage(format!("{file}: {}", wrong.what)))?;
        clocks.servers.insert(name, error);
    }
    Ok(clocks)
}

/// What the user gave is not what it should be.
pub fn unusable(what: &str, error: CatalogError) -> Failure {
    Failure::failed(format!("reading the {what}"), "", error)
        .hint("docs/consistency.md shows what it looks like")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_typed_as_in_the_manual() {
        let read = |text: &str| text.parse::<Until>();
        assert_eq!(read("snapshot"), Ok(Until::Snapshot));
        assert_eq!(read("end"), Ok(Until::End));
        assert_eq!(read("marker:m1"), Ok(Until::Marker("m1".into())));
        assert_eq!(read("marker:a/m1"), Ok(Until::MarkerFile("a/m1".into())));
        assert_eq!(read("marker:m1.json"), Ok(Until::MarkerFile("m1.json".into())));
        assert_eq!(read("time:2026-11-20T10:00:00Z"), Ok(Until::Time(1_795_168_800_000)));
        assert_eq!(read("time:2026-11-20T12:00:00+02:00"), Ok(Until::Time(1_795_168_800_000)));
        assert_eq!(read("time:1795168800000"), Ok(Until::Time(1_795_168_800_000)));
        assert_eq!(read("sequences:f"), Ok(Until::Sequences("f".into())));
        for bad in
            ["", "now", "end:", "snapshot:s1", "marker:", "time:", "time:2026-11-20T10:00:00", "sequences:"]
        {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert!(read("time:1795168800").unwrap_err().contains("1795168800000"));
    }
}
