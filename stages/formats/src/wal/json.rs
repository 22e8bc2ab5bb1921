//! One entry as a line of JSON: the form that `wal cat` prints.

use super::WalEntry;
use super::key::WalKey;
use super::marker::{
    BulkLoadDescriptor, CompactionDescriptor, FlushDescriptor, Marker, RegionEventDescriptor, StoreDescriptor,
};
use crate::FormatError;
use crate::cell::{CellRef, JsonForm, encode_json, push_family, push_hex, push_number, push_text};

/// Appends the entry as a JSON object, without a line end:
/// `{"offset":n,"next":n,"region":text,"table":text,"sequence":n,"write_time":ms,"nonce_group":n,"nonce":n,
/// "scopes":{family:n},"cluster_ids":[uuid],"cells":[cell]}`, of which nonces, scopes and cluster ids are there only
/// where the entry has them. The cell of a marker has its content, with HBase's names, as
/// `"marker":{"kind":name,"qualifier":text,"body":{...}}`; bytes in there are hexadecimal.
///
/// # Errors
/// The cells are encrypted, a marker's value does not hold, or a name is not UTF-8 (with `hex_family` a family may
/// be). `out` may then have a part of the line.
pub fn encode_entry_json(
    entry: &WalEntry<'_>,
    hex_family: bool,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let mut object = Object::open(out);
    object.number("offset", entry.offset);
    object.number("next", entry.next);
    push_key(&mut object, &entry.key, hex_family)?;
    let cells = object.name("cells");
    let form = JsonForm { sequence: None, hex_family };
    cells.push(b'[');
    for (index, cell) in entry.cells()?.enumerate() {
        if index > 0 {
            cells.push(b',');
        }
        encode_json(&cell, form, cells)?;
        push_marker(&cell, cells)?;
    }
    cells.push(b']');
    object.close();
    Ok(())
}

fn push_key(object: &mut Object<'_>, key: &WalKey<'_>, hex_family: bool) -> Result<(), FormatError> {
    object.text("region", name_text(key.region, "region")?);
    object.text("table", name_text(key.table, "table")?);
    object.number("sequence", key.sequence);
    object.signed("write_time", key.write_time);
    if key.nonce_group != 0 || key.nonce != 0 {
        object.signed("nonce_group", key.nonce_group);
        object.signed("nonce", key.nonce);
    }
    if key.scopes().next().is_some() {
        let mut scopes = Object::open(object.name("scopes"));
        for scope in key.scopes() {
            let mut family = Vec::new();
            if hex_family {
                push_hex(scope.family, &mut family)
            } else {
                push_family(scope.family, &mut family)?
            }
            scopes.number(&String::from_utf8_lossy(&family), u64::from(scope.scope));
        }
        scopes.close();
    }
    if key.cluster_ids().next().is_some() {
        let ids: Vec<String> = key.cluster_ids().map(|id| id.to_string()).collect();
        object.texts("cluster_ids", &ids);
    }
    Ok(())
}

fn name_text<'a>(name: &'a [u8], what: &str) -> Result<&'a str, FormatError> {
    std::str::from_utf8(name).map_err(|_| {
        FormatError::corrupt(format!(
            "the name of the entry's {what}, \"{}\", is not UTF-8",
            name.escape_ascii()
        ))
    })
}

/// Puts a marker's content into the JSON of its cell, which `out` ends with.
fn push_marker(cell: &CellRef<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let Some(marker) = Marker::decode(cell)? else { return Ok(()) };
    out.pop();
    out.extend_from_slice(b",\"marker\":");
    let mut object = Object::open(out);
    object.text("kind", kind(&marker));
    object.text("qualifier", &String::from_utf8_lossy(cell.qualifier));
    match &marker {
        Marker::RegionEvent(event) => push_region_event(object.name("body"), event),
        Marker::Flush(flush) => push_flush(object.name("body"), flush),
        Marker::Compaction(compaction) => push_compaction(object.name("body"), compaction),
        Marker::BulkLoad(load) => push_bulk_load(object.name("body"), load),
        Marker::Unknown => {}
    }
    object.close();
    out.push(b'}');
    Ok(())
}

fn kind(marker: &Marker) -> &'static str {
    match marker {
        Marker::RegionEvent(_) => "region_event",
        Marker::Flush(_) => "flush",
        Marker::Compaction(_) => "compaction",
        Marker::BulkLoad(_) => "bulk_load",
        Marker::Unknown => "unknown",
    }
}

fn push_region_event(out: &mut Vec<u8>, event: &RegionEventDescriptor) {
    let mut body = Object::open(out);
    body.text("event_type", event.event_type.name());
    body.hex("table_name", event.table_name.text_form().as_bytes());
    body.hex("encoded_region_name", &event.encoded_region_name);
    body.optional_number("log_sequence_number", event.log_sequence_number);
    push_stores(&mut body, "stores", "store_file", &event.stores);
    if let Some(server) = &event.server {
        let mut object = Object::open(body.name("server"));
        object.text("host_name", &server.host_name);
        object.optional_number("port", server.port.map(u64::from));
        object.optional_number("start_code", server.start_code);
        object.close();
    }
    body.optional_hex("region_name", event.region_name.as_deref());
    body.close();
}

fn push_flush(out: &mut Vec<u8>, flush: &FlushDescriptor) {
    let mut body = Object::open(out);
    body.text("action", flush.action.name());
    body.hex("table_name", flush.table_name.text_form().as_bytes());
    body.hex("encoded_region_name", &flush.encoded_region_name);
    body.optional_number("flush_sequence_number", flush.flush_sequence_number);
    push_stores(&mut body, "store_flushes", "flush_output", &flush.store_flushes);
    body.optional_hex("region_name", flush.region_name.as_deref());
    body.close();
}

fn push_compaction(out: &mut Vec<u8>, compaction: &CompactionDescriptor) {
    let mut body = Object::open(out);
    body.hex("table_name", compaction.table_name.text_form().as_bytes());
    body.hex("encoded_region_name", &compaction.encoded_region_name);
    body.hex("family_name", &compaction.family_name);
    body.texts("compaction_input", &compaction.compaction_input);
    body.texts("compaction_output", &compaction.compaction_output);
    body.text("store_home_dir", &compaction.store_home_dir);
    body.optional_hex("region_name", compaction.region_name.as_deref());
    body.close();
}

fn push_bulk_load(out: &mut Vec<u8>, load: &BulkLoadDescriptor) {
    let mut body = Object::open(out);
    let mut table = Object::open(body.name("table_name"));
    table.hex("namespace", load.table_name.namespace().as_bytes());
    table.hex("qualifier", load.table_name.qualifier().as_bytes());
    table.close();
    body.hex("encoded_region_name", &load.encoded_region_name);
    push_stores(&mut body, "stores", "store_file", &load.stores);
    body.signed("bulkload_seq_num", load.bulkload_seq_num);
    if !load.cluster_ids.is_empty() {
        body.texts("cluster_ids", &load.cluster_ids);
    }
    body.name("replicate").extend_from_slice(if load.replicate { b"true" } else { b"false" });
    body.close();
}

fn push_stores(body: &mut Object<'_>, name: &str, files: &str, stores: &[StoreDescriptor]) {
    let out = body.name(name);
    out.push(b'[');
    for (index, store) in stores.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let mut object = Object::open(out);
        object.hex("family_name", &store.family_name);
        object.text("store_home_dir", &store.store_home_dir);
        if !store.store_file.is_empty() {
            object.texts(files, &store.store_file);
        }
        object.optional_number("store_file_size_bytes", store.store_file_size_bytes);
        object.close();
    }
    out.push(b']');
}

/// A JSON object that is being written.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    has_field: bool,
}

impl<'o> Object<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, has_field: false }
    }

    fn close(self) {
        self.out.push(b'}');
    }

    /// Appends a field's name, which needs no more escaping; its value is to follow.
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.out.extend_from_slice(if self.has_field { b",\"" } else { b"\"" });
        self.has_field = true;
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    fn number(&mut self, name: &str, value: u64) {
        push_number(value, false, self.name(name));
    }

    fn signed(&mut self, name: &str, value: i64) {
        push_number(value.unsigned_abs(), value < 0, self.name(name));
    }

    fn optional_number(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    fn hex(&mut self, name: &str, value: &[u8]) {
        let out = self.name(name);
        out.push(b'"');
        push_hex(value, out);
        out.push(b'"');
    }

    fn optional_hex(&mut self, name: &str, value: Option<&[u8]>) {
        if let Some(value) = value {
            self.hex(name, value);
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        push_string(self.name(name), value);
    }

    fn texts<T: AsRef<str>>(&mut self, name: &str, values: &[T]) {
        let out = self.name(name);
        out.push(b'[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_string(out, value.as_ref());
        }
        out.push(b']');
    }
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_text(text, out);
    out.push(b'"');
}
