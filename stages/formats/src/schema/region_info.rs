use super::table::{proto_table_name, table_name};
use super::{proto, strip_pbuf, with_pbuf};
use crate::FormatError;
use crate::wire::{Fields, decode_message, put_varint, required};
use names::{EncodedRegionName, TableName, mob_region_name, region_name};
use prost::Message;

/// A region: a range of rows of a table (`client.RegionInfo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionInfo {
    /// Its table.
    pub table: TableName,
    /// The first row; empty is the start of the table.
    pub start_key: Vec<u8>,
    /// The first row after it; empty is the end of the table.
    pub end_key: Vec<u8>,
    /// When it came to be, ms since the epoch as a rule.
    pub region_id: u64,
    /// Whether it is not served; with `split` it is a split parent.
    pub offline: bool,
    /// Whether it was split.
    pub split: bool,
    /// 0 for the region that takes writes.
    pub replica_id: u16,
}

impl RegionInfo {
    /// Its name without the trailing encoded name; see [`region_name`].
    pub fn region_name(&self) -> Vec<u8> {
        region_name(&self.table, &self.start_key, self.region_id, self.replica_id)
    }

    /// Its encoded name, the name of its directory.
    pub fn encoded_name(&self) -> EncodedRegionName {
        EncodedRegionName::of_region_name(&self.region_name())
    }

    /// Whether it was split and its daughters took over: its files stay for the daughters' References.
    pub fn is_split_parent(&self) -> bool {
        self.offline && self.split
    }

    /// Whether this is the table's MOB pseudo-region, which is no part of the key space (`MobUtils.isMobRegionInfo`).
    pub fn is_mob_region(&self) -> bool {
        self.start_key == b".mob" && self.encoded_name() == mob_region_name(&self.table)
    }

    pub(crate) fn to_proto(&self) -> proto::RegionInfo {
        proto::RegionInfo {
            region_id: Some(self.region_id),
            table_name: Some(proto_table_name(&self.table)),
            start_key: Some(self.start_key.clone()),
            end_key: Some(self.end_key.clone()),
            offline: Some(self.offline),
            split: Some(self.split),
            replica_id: Some(i32::from(self.replica_id)),
        }
    }
}

fn from_proto(message: proto::RegionInfo) -> Result<RegionInfo, FormatError> {
    let region_id = required(message.region_id, "the region id", 0)?;
    if i64::try_from(region_id).is_err() {
        return Err(FormatError::corrupt(format!("the region id {} is negative", region_id as i64)));
    }
    let replica_id = message.replica_id.unwrap_or(0);
    let replica_id = u16::try_from(replica_id)
        .map_err(|_| FormatError::corrupt(format!("the replica id {replica_id} is not in 0..=65535")))?;
    Ok(RegionInfo {
        table: table_name(required(message.table_name, "the table's name", 0)?)?,
        start_key: message.start_key.unwrap_or_default(),
        end_key: message.end_key.unwrap_or_default(),
        region_id,
        offline: message.offline.unwrap_or(false),
        split: message.split.unwrap_or(false),
        replica_id,
    })
}

/// Decodes a `RegionInfo` message that stands at `base` in its file.
pub fn decode_region_info(bytes: &[u8], base: u64) -> Result<RegionInfo, FormatError> {
    let message = decode_message(bytes, base, "RegionInfo")?;
    from_proto(message).map_err(|error| FormatError {
        what: format!("RegionInfo: {}", error.what),
        offset: Some(base),
        ..error
    })
}

/// Encodes a `RegionInfo` message with all its fields, as HBase does.
pub fn encode_region_info(region: &RegionInfo) -> Vec<u8> {
    region.to_proto().encode_to_vec()
}

/// Decodes a `.regioninfo` file: `PBUF` and a *delimited* `RegionInfo` (`HRegionFileSystem`).
pub fn decode_region_info_file(bytes: &[u8]) -> Result<RegionInfo, FormatError> {
    let delimited = strip_pbuf(bytes, ".regioninfo")?;
    // A delimited message looks like a length-delimited field without its tag.
    let mut tagged = vec![0x0a];
    tagged.extend_from_slice(delimited);
    let field = Fields::new(&tagged, 3, ".regioninfo").next();
    let field = field.ok_or_else(|| FormatError::truncated(".regioninfo has no RegionInfo").at(4))??;
    let (message, offset) = field.bytes(".regioninfo")?;
    let end = offset + message.len() as u64;
    if end != bytes.len() as u64 {
        return Err(FormatError::corrupt(".regioninfo has bytes after its RegionInfo").at(end));
    }
    decode_region_info(message, offset)
}

/// Encodes a `.regioninfo` file.
pub fn encode_region_info_file(region: &RegionInfo) -> Vec<u8> {
    let message = encode_region_info(region);
    let mut delimited = Vec::with_capacity(message.len() + 4);
    put_varint(&mut delimited, message.len() as u64);
    delimited.extend_from_slice(&message);
    with_pbuf(&delimited)
}

/// Decodes the value of `info:regioninfo` in hbase:meta: `PBUF` and a plain `RegionInfo`.
pub fn decode_region_info_value(bytes: &[u8]) -> Result<RegionInfo, FormatError> {
    decode_region_info(strip_pbuf(bytes, "info:regioninfo")?, 4)
}
