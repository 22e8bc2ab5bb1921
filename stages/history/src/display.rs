//! What an operator reads: what is wrong, where, and for a refusal what can be done.

use std::fmt::{Display, Formatter, Result};

use names::{EncodedRegionName, ServerName};

use crate::{Assumption, Finding, Gap, GapCause, GapClass, Refusal, StoreListBreak, StoreListBreakKind};

/// A moment, in ms since the epoch.
struct Moment(i64);

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} ms", self.0)
    }
}

/// This many are named; the others are only counted.
const SHOWN: usize = 5;

fn list(names: &[String]) -> String {
    let mut shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        shown.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    shown
}

impl Display for GapClass {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.pad(match self {
            Self::Explained => "explained",
            Self::Unlogged => "unlogged",
            Self::Ambiguous => "ambiguous",
            Self::Missing => "missing",
        })
    }
}

impl Display for GapCause {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::StartFlush => "a flush took the id",
            Self::RegionOpen => "the opening of the region took the id",
            Self::BulkLoad => "a bulk load took the id",
            Self::WithinOneFile => "a SKIP_WAL write or the flush of an empty memstore, inside one whole WAL",
            Self::AdjoiningFiles => {
                "a SKIP_WAL write or the flush of an empty memstore, between two WALs of which one follows the other"
            }
            Self::SinceSnapshot => {
                "a SKIP_WAL write or the flush of an empty memstore: every WAL of its server since the snapshot is available"
            }
            Self::NeighbourGone => "a WAL is gone between the one that ends before it and the one that goes on after it",
            Self::FileBorder => "one WAL ends before it and another goes on after it",
            Self::BeforeFirstEntry => "the available WALs start after it",
            Self::BrokenFile => "the WAL before it is torn or damaged",
            Self::BytesSkipped => "bytes of the WAL could not be read",
            Self::OpenNumber => "the region was opened with a larger sequence id",
            Self::FlushWithoutStart => "a flush was committed whose START_FLUSH is not there",
            Self::CloseWithoutOpen => "the region was closed, and its REGION_OPEN is not there",
            Self::ChildOpenNumber => "a region that came of this one was opened with a larger sequence id",
        })
    }
}

impl Display for Gap {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { region, ids, class, cause } = self;
        match ids.len() {
            1 => write!(f, "region {region}: sequence id {} is {class}: {cause}", ids.first),
            _ => {
                write!(f, "region {region}: sequence ids {} to {} are {class}: {cause}", ids.first, ids.last)
            }
        }
    }
}

impl Display for StoreListBreak {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.kind == StoreListBreakKind::Vanished {
            return write!(
                f,
                "region {} had entries before the snapshot, which does not have it: it was taken away by truncate or \
                 restore_snapshot",
                self.region
            );
        }
        write!(f, "region {} opened at sequence id {} ", self.region, self.sequence)?;
        match &self.kind {
            StoreListBreakKind::Vanished => Ok(()),
            StoreListBreakKind::Restored { returned, vanished } => {
                f.write_str("with files other than its WALs show, as after restore_snapshot")?;
                if !returned.is_empty() {
                    write!(f, "; back: {}", list(returned))?;
                }
                if !vanished.is_empty() {
                    write!(f, "; gone: {}", list(vanished))?;
                }
                Ok(())
            }
            StoreListBreakKind::Foreign { files } => {
                write!(f, "with files that no flush, bulk load or compaction has made: {}", list(files))
            }
            StoreListBreakKind::FamilyDropped { family } => {
                write!(f, "without family {family}: it was dropped, and what it held is gone")
            }
            StoreListBreakKind::Recreated => f.write_str(
                "as a new region of no parents, as after truncate or drop and create (or its split or merge is in \
                 WALs of hbase:meta that are not available)",
            ),
            StoreListBreakKind::Returned => {
                f.write_str("after the snapshot, which does not have it, as after restore_snapshot")
            }
            StoreListBreakKind::ReopenedAfterChild { child } => {
                write!(f, "after {child}, which came of it, as after restore_snapshot")
            }
            StoreListBreakKind::OpenedBelow { edits } => write!(
                f,
                "below edits up to {edits} that it had written before, as after restore_snapshot: their ids were given again"
            ),
            StoreListBreakKind::OlderThanParent { parent } => {
                write!(f, "before {parent}, its parent, got what the snapshot holds, as after restore_snapshot")
            }
        }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::TornBeforeSuccessor { path } => {
                write!(f, "{path} ends in the middle of an entry, and its server wrote on in a newer WAL")
            }
            Self::UnsealedBeforeSuccessor { path } => write!(
                f,
                "{path} has no trailer, and its server wrote on in a newer WAL: it was read while it was still being written"
            ),
            Self::DamagedFile { path } => write!(f, "{path} cannot be read whole"),
            Self::ForeignServer { path, server } => {
                write!(
                    f,
                    "{path} has entries that server {server} wrote: it lies under the name of another WAL"
                )
            }
            Self::MissingBulkFile { region, sequence, file } => write!(
                f,
                "region {region}: the bulk load at sequence id {sequence} names {file}, which cannot be found: its cells are \
                 in no WAL"
            ),
            Self::UnseenChild { region, parent } => {
                write!(f, "region {region} came of {parent}, and its WALs are not there")
            }
            Self::UnknownSpan { region, server, from_ms, to_ms } => {
                unknown_span(f, region, server, (*from_ms, *to_ms))
            }
            Self::UnknownServer { region, server } => {
                write!(f, "no WAL of {server} is available, where region {region} was open")
            }
            Self::UnseenOpening { region, server, number } => unseen_opening(f, region, server, *number),
            Self::Nowhere { region, since_ms } => nowhere(f, region, *since_ms),
            Self::NeighbourGone { path, closed_ms, next } => write!(
                f,
                "a WAL is gone between {path}, which was closed at {}, and {next}, which was opened later",
                Moment(*closed_ms)
            ),
            Self::NewestGone { path } => {
                write!(f, "{path} is closed, its server lives, and the WAL that follows it is not available")
            }
            Self::TornTail { path } => {
                write!(f, "{path} ends in the middle of an entry, its server lives, and it does not grow")
            }
            Self::CutShort { region, path, known, reach } => write!(
                f,
                "{path} is cut off: the snapshot has files of region {region} up to sequence id {reach}, and no WAL tells \
                 of what made them; the last that is known is {known}"
            ),
            Self::ParentUnfinished { region, child } => write!(
                f,
                "region {region} was split or merged into {child}, so it had been closed; that is not the last that is \
                 known of it: its last entries are missing"
            ),
            Self::UnknownStart { region, family, files } => write!(
                f,
                "region {region}, family {family}: {files} files do not say up to which sequence id they reach, so it is \
                 not known where their replay starts"
            ),
            Self::StoreList(found) => found.fmt(f),
            Self::Conflict { region, sequence, paths: [one, other] } => {
                write!(
                    f,
                    "region {region}: sequence id {sequence} is one entry in {one} and another in {other}"
                )
            }
            Self::Contradiction { parent, child } => {
                write!(f, "region {child} is said to have come of {parent}, and {parent} of {child}")
            }
        }
    }
}

fn unknown_span(
    f: &mut Formatter<'_>,
    region: &EncodedRegionName,
    server: &ServerName,
    (from_ms, to_ms): (Option<i64>, i64),
) -> Result {
    let from = from_ms.map_or_else(|| "its start".to_owned(), |ms| Moment(ms).to_string());
    write!(
        f,
        "WALs of {server} from {from} to {} are not available; region {region} may have been open there",
        Moment(to_ms)
    )
}

fn unseen_opening(
    f: &mut Formatter<'_>,
    region: &EncodedRegionName,
    server: &ServerName,
    number: Option<u64>,
) -> Result {
    write!(f, "region {region} was opened on {server}")?;
    number.map_or(Ok(()), |number| write!(f, " with sequence id {number}"))?;
    f.write_str(", as hbase:meta says, and no available WAL has that")
}

fn nowhere(f: &mut Formatter<'_>, region: &EncodedRegionName, since_ms: Option<i64>) -> Result {
    write!(f, "where region {region} was")?;
    since_ms.map_or(Ok(()), |ms| write!(f, " from {} on", Moment(ms)))?;
    f.write_str(" is not known: the WALs of hbase:meta for that time are not available")
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::BelowStart { regions, earliest } => {
                write!(
                    f,
                    "the cut leaves out what the snapshot's files hold, and these cannot be rolled back"
                )?;
                for below in regions.iter().take(SHOWN) {
                    let (region, last, needed) = (below.region, below.last, below.needed);
                    write!(f, "; region {region}: cut at {last}, files hold entries up to {needed}")?;
                }
                if regions.len() > SHOWN {
                    write!(f, "; and {} more regions", regions.len() - SHOWN)?;
                }
                match earliest.time_ms {
                    Some(time_ms) => write!(f, "; the earliest possible time is {time_ms} ms"),
                    None => Ok(()),
                }
            }
            Self::UnknownStart { stores, .. } => {
                f.write_str(
                    "files of the snapshot do not say up to which sequence id they reach, and the cut may leave out what they \
                     hold",
                )?;
                let shown = stores.iter().take(SHOWN);
                for (region, family) in shown {
                    write!(f, "; region {region}, family {family}")?;
                }
                if stores.len() > SHOWN {
                    write!(f, "; and {} more stores", stores.len() - SHOWN)
                } else {
                    Ok(())
                }
            }
            Self::BeyondFrontier { asked_ms, reachable_ms, group } => {
                write!(f, "{asked_ms} ms is beyond what has been read")?;
                match group {
                    Some(group) => write!(f, ": the WALs of {group} are known up to {reachable_ms} ms"),
                    None => f.write_str(": no WAL is available"),
                }
            }
            Self::Replaced(breaks) => {
                f.write_str("what the table held was replaced before the cut")?;
                breaks.iter().take(SHOWN).try_for_each(|found| write!(f, "; {found}"))
            }
        }
    }
}

impl std::error::Error for Refusal {}

impl Display for Assumption {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::ClocksWithinBound => "every server's clock stays within its bound, steps included",
            Self::TimesFollowIds => "within a region, write times follow sequence ids",
            Self::WritesAreSynced => "writes use SYNC_WAL or FSYNC_WAL",
            Self::NoForeignCoprocessor => "no coprocessor writes other regions before the append",
            Self::DependenciesAreComplete => "every dependency that matters was declared",
            Self::ReaderClockIsRight => "the clock of the machine that read the WALs was right",
            Self::DeadServersAreDead => "servers without a directory under WALs write no more",
            Self::RootIsLive => {
                "the WALs were read on the root where HBase writes them, not on a copy (convert --copied-at says that it is one)"
            }
            Self::ServersAreAll => {
                "every server that had a region of these tables open has an available WAL, or a directory under WALs"
            }
            Self::WalsAreAll => {
                "no WAL was lost between two that follow each other, where nothing shows when the older one was closed"
            }
            Self::EmptyStoresWereFlushed => {
                "a store without files in a FLUSH snapshot had nothing above the largest start of its region"
            }
        })
    }
}
