//! Writing markers, as `WALProtos` does: for WALs that are made, not for those that are copied.

use names::ServerName;
use prost::Message;

use super::marker::{
    BULK_LOAD, BulkLoadDescriptor, COMPACTION, CompactionDescriptor, EventType, FLUSH, FlushAction,
    FlushDescriptor, Marker, REGION_EVENT, RegionEventDescriptor, StoreDescriptor,
};
use super::proto;
use crate::schema::proto::TableName;

impl Marker {
    /// The qualifier and the value of the marker's cell; `None` for an unknown marker.
    #[must_use]
    pub fn encode(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        match self {
            Self::RegionEvent(event) => {
                let qualifier = [REGION_EVENT, b"::", event.event_type.name().as_bytes()].concat();
                Some((qualifier, region_event(event).encode_to_vec()))
            }
            Self::Flush(marker) => Some((FLUSH.to_vec(), flush(marker).encode_to_vec())),
            Self::Compaction(marker) => Some((COMPACTION.to_vec(), compaction(marker).encode_to_vec())),
            Self::BulkLoad(marker) => Some((BULK_LOAD.to_vec(), bulk_load(marker).encode_to_vec())),
            Self::Unknown => None,
        }
    }
}

fn stores(stores: &[StoreDescriptor]) -> Vec<proto::StoreDescriptor> {
    let store = |store: &StoreDescriptor| proto::StoreDescriptor {
        family_name: Some(store.family_name.clone()),
        store_home_dir: Some(store.store_home_dir.clone()),
        store_file: store.store_file.clone(),
        store_file_size_bytes: store.store_file_size_bytes,
    };
    stores.iter().map(store).collect()
}

fn region_event(event: &RegionEventDescriptor) -> proto::RegionEventDescriptor {
    let server = |server: &ServerName| proto::ServerName {
        host_name: Some(server.host_name.clone()),
        port: server.port,
        start_code: server.start_code,
    };
    proto::RegionEventDescriptor {
        event_type: Some(match event.event_type {
            EventType::RegionOpen => 0,
            EventType::RegionClose => 1,
        }),
        table_name: Some(event.table_name.text_form().as_bytes().to_vec()),
        encoded_region_name: Some(event.encoded_region_name.clone()),
        log_sequence_number: event.log_sequence_number,
        stores: stores(&event.stores),
        server: event.server.as_ref().map(server),
        region_name: event.region_name.clone(),
    }
}

fn flush(flush: &FlushDescriptor) -> proto::FlushDescriptor {
    proto::FlushDescriptor {
        action: Some(match flush.action {
            FlushAction::StartFlush => 0,
            FlushAction::CommitFlush => 1,
            FlushAction::AbortFlush => 2,
            FlushAction::CannotFlush => 3,
        }),
        table_name: Some(flush.table_name.text_form().as_bytes().to_vec()),
        encoded_region_name: Some(flush.encoded_region_name.clone()),
        flush_sequence_number: flush.flush_sequence_number,
        store_flushes: stores(&flush.store_flushes),
        region_name: flush.region_name.clone(),
    }
}

fn compaction(compaction: &CompactionDescriptor) -> proto::CompactionDescriptor {
    proto::CompactionDescriptor {
        table_name: Some(compaction.table_name.text_form().as_bytes().to_vec()),
        encoded_region_name: Some(compaction.encoded_region_name.clone()),
        family_name: Some(compaction.family_name.clone()),
        compaction_input: compaction.compaction_input.clone(),
        compaction_output: compaction.compaction_output.clone(),
        store_home_dir: Some(compaction.store_home_dir.clone()),
        region_name: compaction.region_name.clone(),
    }
}

fn bulk_load(load: &BulkLoadDescriptor) -> proto::BulkLoadDescriptor {
    let table = TableName {
        namespace: Some(load.table_name.namespace().as_bytes().to_vec()),
        qualifier: Some(load.table_name.qualifier().as_bytes().to_vec()),
    };
    proto::BulkLoadDescriptor {
        table_name: Some(table),
        encoded_region_name: Some(load.encoded_region_name.clone()),
        stores: stores(&load.stores),
        bulkload_seq_num: Some(load.bulkload_seq_num),
        cluster_ids: load.cluster_ids.clone(),
        replicate: Some(load.replicate),
    }
}
