//! Cells of a WAL as rows of the markers and of the lineage.

use columns::lineage::LineageRow;
use columns::markers::MarkerRow;
use formats::FormatError;
use formats::cell::CellRef;
use formats::schema::decode_region_info_value;
use formats::wal::{Marker, StoreDescriptor, WalEntry};
use names::EncodedRegionName;

/// A marker's cell, and what is wrong with it if it cannot be decoded; then the row has only its bytes.
pub(crate) fn marker_row(
    entry: &WalEntry<'_>,
    index: u32,
    cell: &CellRef<'_>,
    table: &str,
    region: &str,
) -> (MarkerRow, Option<FormatError>) {
    let mut row = MarkerRow {
        offset: entry.offset,
        sequence: entry.key.sequence,
        index,
        write_time: entry.key.write_time,
        region: region.to_owned(),
        table: table.to_owned(),
        kind: "unknown".to_owned(),
        qualifier: cell.qualifier.to_vec(),
        value: cell.value.to_vec(),
        ..MarkerRow::default()
    };
    match Marker::decode(cell) {
        Ok(Some(marker)) => {
            describe(marker, &mut row);
            (row, None)
        }
        Ok(None) => {
            let what = "a cell of edits among the markers of an entry";
            (row, Some(FormatError::corrupt(what)))
        }
        Err(error) => (row, Some(error)),
    }
}

fn describe(marker: Marker, row: &mut MarkerRow) {
    match marker {
        Marker::RegionEvent(event) => {
            row.kind = "region_event".to_owned();
            row.action = Some(event.event_type.name().to_owned());
            row.number = event.log_sequence_number;
            row.files = files(&event.stores);
            row.server = event.server.map(|server| server.to_string());
        }
        Marker::Flush(flush) => {
            row.kind = "flush".to_owned();
            row.action = Some(flush.action.name().to_owned());
            row.number = flush.flush_sequence_number;
            row.files = files(&flush.store_flushes);
        }
        Marker::Compaction(compaction) => {
            row.kind = "compaction".to_owned();
            let in_family = |names: Vec<String>| {
                let family = String::from_utf8_lossy(&compaction.family_name);
                names.into_iter().map(|name| format!("{family}/{name}")).collect()
            };
            row.files = in_family(compaction.compaction_output);
            row.replaced = in_family(compaction.compaction_input);
        }
        Marker::BulkLoad(load) => {
            row.kind = "bulk_load".to_owned();
            row.number = u64::try_from(load.bulkload_seq_num).ok();
            row.files = files(&load.stores);
        }
        Marker::Unknown => {}
    }
}

fn files(stores: &[StoreDescriptor]) -> Vec<String> {
    let of_store = |store: &StoreDescriptor| {
        let family = String::from_utf8_lossy(&store.family_name).into_owned();
        store.store_file.iter().map(move |name| format!("{family}/{name}")).collect::<Vec<_>>()
    };
    stores.iter().flat_map(of_store).collect()
}

/// What hbase:meta says about where a region is.
pub(crate) const PLACE: [&str; 5] = ["state", "sn", "server", "serverstartcode", "seqnumDuringOpen"];

/// A cell of hbase:meta, if it concerns a region's parents or daughters, or where the region is.
pub(crate) fn lineage_row(
    entry: &WalEntry<'_>,
    index: u32,
    cell: &CellRef<'_>,
) -> Option<(LineageRow, Option<FormatError>)> {
    let qualifier = std::str::from_utf8(cell.qualifier).ok()?;
    let tells = matches!(qualifier, "regioninfo" | "splitA" | "splitB") || qualifier.starts_with("merge");
    // The deletion of a whole row or family has no qualifier, and counts, too.
    let places = PLACE.contains(&qualifier);
    if cell.family != b"info" || !(tells || places || qualifier.is_empty()) {
        return None;
    }
    let mut row = LineageRow {
        offset: entry.offset,
        sequence: entry.key.sequence,
        index,
        write_time: entry.key.write_time,
        timestamp: cell.timestamp,
        cell_type: cell.cell_type.code(),
        region: encoded_name(cell.row),
        row: cell.row.to_vec(),
        qualifier: qualifier.to_owned(),
        value: cell.value.to_vec(),
        ..LineageRow::default()
    };
    if cell.value.is_empty() || places {
        return Some((row, None));
    }
    match decode_region_info_value(cell.value) {
        Err(error) => Some((row, Some(error))),
        Ok(region) => {
            row.other = Some(region.encoded_name().to_string());
            row.table = Some(region.table.full_form().to_owned());
            row.split = Some(region.split);
            row.offline = Some(region.offline);
            row.start_key = Some(region.start_key);
            row.end_key = Some(region.end_key);
            Some((row, None))
        }
    }
}

/// The encoded name of the region whose row of hbase:meta this is: a region name ends in `.<encoded>.`.
fn encoded_name(row: &[u8]) -> String {
    let stem = row.strip_suffix(b".").unwrap_or_default();
    let last = stem.rsplit(|byte| *byte == b'.').next().and_then(|name| std::str::from_utf8(name).ok());
    let named = last.and_then(|name| EncodedRegionName::parse(name).ok());
    named.unwrap_or_else(|| EncodedRegionName::of_region_name(row)).to_string()
}
