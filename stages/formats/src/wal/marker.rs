//! Markers: cells of the family `METAFAMILY`, whose value says what happened to a region (`WALEdit`, WAL.proto).

use super::proto;
use crate::cell::CellRef;
use crate::wire::{decode_message, required};
use crate::{FormatError, FormatErrorKind};
use names::{ServerName, TableName};

/// The family of markers (`WALEdit.METAFAMILY`).
pub const METAFAMILY: &[u8] = b"METAFAMILY";

pub(super) const REGION_EVENT: &[u8] = b"HBASE::REGION_EVENT";
pub(super) const FLUSH: &[u8] = b"HBASE::FLUSH";
pub(super) const COMPACTION: &[u8] = b"HBASE::COMPACTION";
pub(super) const BULK_LOAD: &[u8] = b"HBASE::BULK_LOAD";

/// The largest descriptor that is decoded: it takes many times its size in memory. 16 MiB hold 200 thousand store
/// files.
const DESCRIPTOR_MAX: usize = 16 << 20;

/// What a marker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marker {
    /// A region was opened or closed.
    RegionEvent(RegionEventDescriptor),
    /// A flush began or ended.
    Flush(FlushDescriptor),
    /// Files of a store were replaced by others.
    Compaction(CompactionDescriptor),
    /// Files were put into a region: their cells are in no WAL.
    BulkLoad(BulkLoadDescriptor),
    /// A marker that is not known (`HBASE::REPLICATION_MARKER`, say): its value is not looked at.
    Unknown,
}

/// WAL.proto `RegionEventDescriptor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionEventDescriptor {
    /// What happened.
    pub event_type: EventType,
    /// The table.
    pub table_name: TableName,
    /// The region; not checked (the key of the entry names it too).
    pub encoded_region_name: Vec<u8>,
    /// The sequence id the region opened with or closed at; the entry's own id is one larger.
    pub log_sequence_number: Option<u64>,
    /// All stores of the region and, when it opened, all their files.
    pub stores: Vec<StoreDescriptor>,
    /// The server that has opened the region.
    pub server: Option<ServerName>,
    /// The region's full name.
    pub region_name: Option<Vec<u8>>,
}

/// What happened to a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// REGION_OPEN
    RegionOpen,
    /// REGION_CLOSE
    RegionClose,
}

/// WAL.proto `FlushDescriptor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlushDescriptor {
    /// Which step of a flush.
    pub action: FlushAction,
    /// The table.
    pub table_name: TableName,
    /// The region; not checked (the key of the entry names it too).
    pub encoded_region_name: Vec<u8>,
    /// Every edit with this id or a smaller one, of the families below, is in the files.
    pub flush_sequence_number: Option<u64>,
    /// The stores that are flushed; when it is committed, with the new files.
    pub store_flushes: Vec<StoreDescriptor>,
    /// The region's full name.
    pub region_name: Option<Vec<u8>>,
}

/// A step of a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushAction {
    /// START_FLUSH
    StartFlush,
    /// COMMIT_FLUSH
    CommitFlush,
    /// ABORT_FLUSH
    AbortFlush,
    /// CANNOT_FLUSH
    CannotFlush,
}

/// WAL.proto `CompactionDescriptor`. File names are relative to the store's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactionDescriptor {
    /// The table.
    pub table_name: TableName,
    /// The region; not checked (the key of the entry names it too).
    pub encoded_region_name: Vec<u8>,
    /// The family.
    pub family_name: Vec<u8>,
    /// Names of the files that were read; not checked, see [`names::StoreFileName`].
    pub compaction_input: Vec<String>,
    /// Names of the files that were written; not checked.
    pub compaction_output: Vec<String>,
    /// The store's directory in that of the region; not checked.
    pub store_home_dir: String,
    /// The region's full name.
    pub region_name: Option<Vec<u8>>,
}

/// WAL.proto `BulkLoadDescriptor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkLoadDescriptor {
    /// The table.
    pub table_name: TableName,
    /// The region; not checked (the key of the entry names it too).
    pub encoded_region_name: Vec<u8>,
    /// The files that were put in.
    pub stores: Vec<StoreDescriptor>,
    /// The sequence id of all their cells; `_SeqId_<n>_` in their names.
    pub bulkload_seq_num: i64,
    /// Clusters that the load has passed through.
    pub cluster_ids: Vec<String>,
    /// Whether it is to be replicated.
    pub replicate: bool,
}

/// WAL.proto `StoreDescriptor` and `StoreFlushDescriptor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreDescriptor {
    /// The family.
    pub family_name: Vec<u8>,
    /// The store's directory in that of the region; not checked.
    pub store_home_dir: String,
    /// Names of files in it; not checked, see [`names::StoreFileName`].
    pub store_file: Vec<String>,
    /// Their size, where it is given.
    pub store_file_size_bytes: Option<u64>,
}

impl Marker {
    /// Decodes the cell, if it is a marker's.
    ///
    /// # Errors
    /// Its value is not the message that its qualifier names, or lacks what HBase requires.
    pub fn decode(cell: &CellRef<'_>) -> Result<Option<Self>, FormatError> {
        if cell.family != METAFAMILY {
            return Ok(None);
        }
        let value = cell.value;
        let marker = match cell.qualifier {
            FLUSH => Self::Flush(flush(message(value, "FlushDescriptor")?)?),
            COMPACTION => Self::Compaction(compaction(message(value, "CompactionDescriptor")?)?),
            BULK_LOAD => Self::BulkLoad(bulk_load(message(value, "BulkLoadDescriptor")?)?),
            event if event.starts_with(REGION_EVENT) => {
                Self::RegionEvent(region_event(message(value, "RegionEventDescriptor")?)?)
            }
            _ => Self::Unknown,
        };
        Ok(Some(marker))
    }

    /// The region that it names, if it is a known marker; not checked.
    #[must_use]
    pub fn region(&self) -> Option<&[u8]> {
        match self {
            Self::RegionEvent(marker) => Some(&marker.encoded_region_name),
            Self::Flush(marker) => Some(&marker.encoded_region_name),
            Self::Compaction(marker) => Some(&marker.encoded_region_name),
            Self::BulkLoad(marker) => Some(&marker.encoded_region_name),
            Self::Unknown => None,
        }
    }
}

impl EventType {
    /// HBase's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegionOpen => "REGION_OPEN",
            Self::RegionClose => "REGION_CLOSE",
        }
    }
}

impl FlushAction {
    /// HBase's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartFlush => "START_FLUSH",
            Self::CommitFlush => "COMMIT_FLUSH",
            Self::AbortFlush => "ABORT_FLUSH",
            Self::CannotFlush => "CANNOT_FLUSH",
        }
    }
}

fn message<M: prost::Message + Default>(value: &[u8], what: &'static str) -> Result<M, FormatError> {
    if value.len() > DESCRIPTOR_MAX {
        return Err(FormatError::too_large(format!(
            "{what} of {} bytes, over {DESCRIPTOR_MAX}",
            value.len()
        )));
    }
    // The whole value is there, so a field that is cut short means that it is wrong.
    decode_message(value, 0, what).map_err(|error| FormatError { kind: FormatErrorKind::Corrupt, ..error })
}

fn table(name: Option<Vec<u8>>) -> Result<TableName, FormatError> {
    Ok(TableName::parse_bytes(&required(name, "the table_name of a marker", 0)?)?)
}

fn region(name: Option<Vec<u8>>) -> Result<Vec<u8>, FormatError> {
    required(name, "the encoded_region_name of a marker", 0)
}

fn stores(stores: Vec<proto::StoreDescriptor>) -> Result<Vec<StoreDescriptor>, FormatError> {
    stores.into_iter().map(store).collect()
}

fn store(store: proto::StoreDescriptor) -> Result<StoreDescriptor, FormatError> {
    Ok(StoreDescriptor {
        family_name: required(store.family_name, "the family_name of a store", 0)?,
        store_home_dir: required(store.store_home_dir, "the store_home_dir of a store", 0)?,
        store_file: store.store_file,
        store_file_size_bytes: store.store_file_size_bytes,
    })
}

fn region_event(event: proto::RegionEventDescriptor) -> Result<RegionEventDescriptor, FormatError> {
    let event_type = match required(event.event_type, "the event_type of a RegionEventDescriptor", 0)? {
        0 => EventType::RegionOpen,
        1 => EventType::RegionClose,
        other => return Err(FormatError::corrupt(format!("RegionEventDescriptor: event_type {other}"))),
    };
    let server = event.server.map(|server| -> Result<_, FormatError> {
        let host_name = required(server.host_name, "the host_name of a ServerName", 0)?;
        Ok(ServerName { host_name, port: server.port, start_code: server.start_code })
    });
    Ok(RegionEventDescriptor {
        event_type,
        table_name: table(event.table_name)?,
        encoded_region_name: region(event.encoded_region_name)?,
        log_sequence_number: event.log_sequence_number,
        stores: stores(event.stores)?,
        server: server.transpose()?,
        region_name: event.region_name,
    })
}

fn flush(flush: proto::FlushDescriptor) -> Result<FlushDescriptor, FormatError> {
    let action = match required(flush.action, "the action of a FlushDescriptor", 0)? {
        0 => FlushAction::StartFlush,
        1 => FlushAction::CommitFlush,
        2 => FlushAction::AbortFlush,
        3 => FlushAction::CannotFlush,
        other => return Err(FormatError::corrupt(format!("FlushDescriptor: action {other}"))),
    };
    Ok(FlushDescriptor {
        action,
        table_name: table(flush.table_name)?,
        encoded_region_name: region(flush.encoded_region_name)?,
        flush_sequence_number: flush.flush_sequence_number,
        store_flushes: stores(flush.store_flushes)?,
        region_name: flush.region_name,
    })
}

fn compaction(compaction: proto::CompactionDescriptor) -> Result<CompactionDescriptor, FormatError> {
    Ok(CompactionDescriptor {
        table_name: table(compaction.table_name)?,
        encoded_region_name: region(compaction.encoded_region_name)?,
        family_name: required(compaction.family_name, "the family_name of a CompactionDescriptor", 0)?,
        compaction_input: compaction.compaction_input,
        compaction_output: compaction.compaction_output,
        store_home_dir: required(
            compaction.store_home_dir,
            "the store_home_dir of a CompactionDescriptor",
            0,
        )?,
        region_name: compaction.region_name,
    })
}

fn bulk_load(load: proto::BulkLoadDescriptor) -> Result<BulkLoadDescriptor, FormatError> {
    let name = required(load.table_name, "the table_name of a BulkLoadDescriptor", 0)?;
    let namespace = name.namespace.unwrap_or_default();
    let qualifier = name.qualifier.unwrap_or_default();
    let table_name =
        TableName::new(&String::from_utf8_lossy(&namespace), &String::from_utf8_lossy(&qualifier))?;
    Ok(BulkLoadDescriptor {
        table_name,
        encoded_region_name: region(load.encoded_region_name)?,
        stores: stores(load.stores)?,
        bulkload_seq_num: required(load.bulkload_seq_num, "the bulkload_seq_num of a BulkLoadDescriptor", 0)?,
        cluster_ids: load.cluster_ids,
        replicate: load.replicate.unwrap_or(true),
    })
}
