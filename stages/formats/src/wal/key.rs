//! WAL.proto `WALKey`: what precedes the cells of an entry (`WALKeyImpl`).

use crate::FormatError;
use crate::input::{Fault, Input};
use crate::wire::{put_bytes, put_varint};
use names::{EncodedRegionName, TableName};

/// The key of an entry, borrowed from its bytes. An id or nonce of 0 is HBase's "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalKey<'a> {
    /// The region's encoded name; [`WalKey::region_name`] checks its grammar.
    pub region: &'a [u8],
    /// The table, `t` or `ns:t`; [`WalKey::table_name`] checks its grammar.
    pub table: &'a [u8],
    /// Sequence id of the entry and of each of its cells (log_sequence_number).
    pub sequence: u64,
    /// The region server's clock when the entry was appended, ms.
    pub write_time: i64,
    /// How many cells follow.
    pub cell_count: u32,
    /// With `nonce`, names the client call; 0 is none.
    pub nonce_group: i64,
    /// Names the client call, 0 is none.
    pub nonce: i64,
    /// The sequence id before the edit was replayed; 0 is none.
    pub orig_sequence: u64,
    /// The whole message, its strings not compressed.
    message: &'a [u8],
}

/// WAL.proto `FamilyScope`: a family of the entry that is replicated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyScope<'a> {
    /// The family.
    pub family: &'a [u8],
    /// 0 local, 1 global, 2 serial.
    pub scope: u32,
}

/// HBase.proto `UUID`: a cluster that the edit has passed through on its way here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterId {
    /// The upper half of the UUID.
    pub most_significant: u64,
    /// The lower half of the UUID.
    pub least_significant: u64,
}

/// WAL.proto `Attribute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedAttribute<'a> {
    /// Its name.
    pub key: &'a str,
    /// Its value.
    pub value: &'a [u8],
}

/// What a key says, to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalKeyFields<'a> {
    /// See [`WalKey::region`].
    pub region: &'a [u8],
    /// See [`WalKey::table`].
    pub table: &'a [u8],
    /// See [`WalKey::sequence`].
    pub sequence: u64,
    /// See [`WalKey::write_time`].
    pub write_time: i64,
    /// See [`WalKey::nonce_group`].
    pub nonce_group: i64,
    /// See [`WalKey::nonce`].
    pub nonce: i64,
    /// See [`WalKey::orig_sequence`].
    pub orig_sequence: u64,
    /// See [`WalKey::scopes`].
    pub scopes: Vec<FamilyScope<'a>>,
    /// See [`WalKey::cluster_ids`].
    pub cluster_ids: Vec<ClusterId>,
    /// See [`WalKey::extended_attributes`].
    pub extended_attributes: Vec<ExtendedAttribute<'a>>,
}

impl<'a> WalKey<'a> {
    /// Decodes a whole message whose strings are not compressed, or are passed on compressed.
    pub(super) fn decode(message: &'a [u8]) -> Result<Self, Fault> {
        Self::fields(message).map_err(|fault| match fault {
            Fault::Truncated(_) => Fault::Corrupt("a WALKey ends in the middle of a field"),
            wrong @ Fault::Corrupt(_) => wrong,
        })
    }

    fn fields(message: &'a [u8]) -> Result<Self, Fault> {
        let (mut region, mut table, mut sequence, mut write_time) = (None, None, None, None);
        let (mut cell_count, mut nonce_group, mut nonce, mut orig_sequence) = (0, 0, 0, 0);
        let mut input = Input::new(message);
        while !input.is_empty() {
            match input.uvarint("the tag of a field")? {
                REGION => region = Some(delimited(&mut input)?),
                TABLE => table = Some(delimited(&mut input)?),
                SEQUENCE => sequence = Some(input.uvarint64("log_sequence_number")?),
                WRITE_TIME => write_time = Some(input.uvarint64("write_time")?.cast_signed()),
                SCOPES => drop(FamilyScope::decode(delimited(&mut input)?)?),
                CELL_COUNT => cell_count = input.uvarint("following_kv_count")?,
                CLUSTER_IDS => drop(ClusterId::decode(delimited(&mut input)?)?),
                NONCE_GROUP => nonce_group = input.uvarint64("nonceGroup")?.cast_signed(),
                NONCE => nonce = input.uvarint64("nonce")?.cast_signed(),
                ORIG_SEQUENCE => orig_sequence = input.uvarint64("orig_sequence_number")?,
                ATTRIBUTES => drop(ExtendedAttribute::decode(delimited(&mut input)?)?),
                tag => skip(&mut input, tag)?,
            }
        }
        Ok(Self {
            region: region.ok_or(Fault::Corrupt("a WALKey without encoded_region_name"))?,
            table: table.ok_or(Fault::Corrupt("a WALKey without table_name"))?,
            sequence: sequence.ok_or(Fault::Corrupt("a WALKey without log_sequence_number"))?,
            write_time: write_time.ok_or(Fault::Corrupt("a WALKey without write_time"))?,
            cell_count,
            nonce_group,
            nonce,
            orig_sequence,
            message,
        })
    }

    /// The region, if its name has the grammar of one.
    ///
    /// # Errors
    /// It does not have it.
    pub fn region_name(&self) -> Result<EncodedRegionName, FormatError> {
        Ok(EncodedRegionName::parse(text(self.region, "encoded region name")?)?)
    }

    /// The table, if its name has the grammar of one.
    ///
    /// # Errors
    /// It does not have it.
    pub fn table_name(&self) -> Result<TableName, FormatError> {
        Ok(TableName::parse_bytes(self.table)?)
    }

    /// The families of the entry that are replicated; those with scope 0 are left out by HBase.
    pub fn scopes(&self) -> impl Iterator<Item = FamilyScope<'a>> + use<'a> {
        Repeated::new(self.message, SCOPES).filter_map(|message| FamilyScope::decode(message).ok())
    }

    /// The clusters that the edit has passed through; none for a local write.
    pub fn cluster_ids(&self) -> impl Iterator<Item = ClusterId> + use<'a> {
        Repeated::new(self.message, CLUSTER_IDS).filter_map(|message| ClusterId::decode(message).ok())
    }

    /// Attributes that coprocessors have added.
    pub fn extended_attributes(&self) -> impl Iterator<Item = ExtendedAttribute<'a>> + use<'a> {
        Repeated::new(self.message, ATTRIBUTES).filter_map(|message| ExtendedAttribute::decode(message).ok())
    }

    /// The same, to be written.
    #[must_use]
    pub fn to_fields(&self) -> WalKeyFields<'a> {
        WalKeyFields {
            region: self.region,
            table: self.table,
            sequence: self.sequence,
            write_time: self.write_time,
            nonce_group: self.nonce_group,
            nonce: self.nonce,
            orig_sequence: self.orig_sequence,
            scopes: self.scopes().collect(),
            cluster_ids: self.cluster_ids().collect(),
            extended_attributes: self.extended_attributes().collect(),
        }
    }
}

// Tags of the fields: number and wire type.
const REGION: u32 = 1 << 3 | 2;
const TABLE: u32 = 2 << 3 | 2;
const SEQUENCE: u32 = 3 << 3;
const WRITE_TIME: u32 = 4 << 3;
const SCOPES: u32 = 6 << 3 | 2;
const CELL_COUNT: u32 = 7 << 3;
const CLUSTER_IDS: u32 = 8 << 3 | 2;
const NONCE_GROUP: u32 = 9 << 3;
const NONCE: u32 = 10 << 3;
const ORIG_SEQUENCE: u32 = 11 << 3;
const ATTRIBUTES: u32 = 12 << 3 | 2;

fn delimited<'a>(input: &mut Input<'a>) -> Result<&'a [u8], Fault> {
    let length = input.uvarint_length("the length of a field")?;
    input.take(length, "a field")
}

fn skip(input: &mut Input<'_>, tag: u32) -> Result<(), Fault> {
    if tag >> 3 == 0 {
        return Err(Fault::Corrupt("a WALKey with a field of number 0"));
    }
    match tag & 7 {
        0 => input.uvarint64("a field").map(drop),
        1 => input.take(8, "a field").map(drop),
        2 => delimited(input).map(drop),
        5 => input.take(4, "a field").map(drop),
        _ => Err(Fault::Corrupt("a WALKey with a field of an unknown wire type")),
    }
}

fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, FormatError> {
    std::str::from_utf8(bytes).map_err(|_| {
        FormatError::corrupt(format!("\"{}\" is not an {what}: not UTF-8", bytes.escape_ascii()))
    })
}

impl<'a> FamilyScope<'a> {
    fn decode(message: &'a [u8]) -> Result<Self, Fault> {
        let (mut family, mut scope) = (None, None);
        let mut input = Input::new(message);
        while !input.is_empty() {
            match input.uvarint("the tag of a field")? {
                0x0a => family = Some(delimited(&mut input)?),
                0x10 => scope = Some(input.uvarint("scope_type")?),
                tag => skip(&mut input, tag)?,
            }
        }
        match (family, scope) {
            (Some(family), Some(scope)) => Ok(Self { family, scope }),
            _ => Err(Fault::Corrupt("a FamilyScope without family or scope_type")),
        }
    }
}

impl ClusterId {
    fn decode(message: &[u8]) -> Result<Self, Fault> {
        let (mut least, mut most) = (None, None);
        let mut input = Input::new(message);
        while !input.is_empty() {
            match input.uvarint("the tag of a field")? {
                0x08 => least = Some(input.uvarint64("least_sig_bits")?),
                0x10 => most = Some(input.uvarint64("most_sig_bits")?),
                tag => skip(&mut input, tag)?,
            }
        }
        match (least, most) {
            (Some(least_significant), Some(most_significant)) => {
                Ok(Self { most_significant, least_significant })
            }
            _ => Err(Fault::Corrupt("a UUID that lacks one of its halves")),
        }
    }
}

impl std::fmt::Display for ClusterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (most, least) = (self.most_significant, self.least_significant);
        let (time_low, time_mid, time_high) = (most >> 32, most >> 16 & 0xffff, most & 0xffff);
        write!(
            f,
            "{time_low:08x}-{time_mid:04x}-{time_high:04x}-{:04x}-{:012x}",
            least >> 48,
            least & (!0 >> 16)
        )
    }
}

impl<'a> ExtendedAttribute<'a> {
    fn decode(message: &'a [u8]) -> Result<Self, Fault> {
        let (mut key, mut value) = (None, None);
        let mut input = Input::new(message);
        while !input.is_empty() {
            match input.uvarint("the tag of a field")? {
                0x0a => key = Some(delimited(&mut input)?),
                0x12 => value = Some(delimited(&mut input)?),
                tag => skip(&mut input, tag)?,
            }
        }
        match (key.map(std::str::from_utf8), value) {
            (Some(Ok(key)), Some(value)) => Ok(Self { key, value }),
            _ => Err(Fault::Corrupt("an Attribute without key or value")),
        }
    }
}

/// The occurrences of one repeated field of a message that has been decoded once, and so is known to be sound.
struct Repeated<'a> {
    input: Input<'a>,
    tag: u32,
}

impl<'a> Repeated<'a> {
    fn new(message: &'a [u8], tag: u32) -> Self {
        Self { input: Input::new(message), tag }
    }
}

impl<'a> Iterator for Repeated<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        while !self.input.is_empty() {
            let tag = self.input.uvarint("the tag of a field").ok()?;
            if tag == self.tag {
                return delimited(&mut self.input).ok();
            }
            skip(&mut self.input, tag).ok()?;
        }
        None
    }
}

/// Translates the strings of a key to or from dictionary compression; called in the order in which HBase compresses
/// them.
pub(super) trait KeyStrings {
    /// For a region's encoded name.
    fn region<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError>;
    /// For a table's name or the value of an attribute.
    fn table<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError>;
    /// For a family's name.
    fn family<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError>;
}

/// Each string as it is.
pub(super) struct AsIs;

impl KeyStrings for AsIs {
    fn region<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        Ok(string)
    }

    fn table<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        Ok(string)
    }

    fn family<'a>(&'a mut self, string: &'a [u8]) -> Result<&'a [u8], FormatError> {
        Ok(string)
    }
}

impl WalKeyFields<'_> {
    /// Appends the message (without its length) as Java writes it: by ascending field number, zeros left out where
    /// HBase does.
    pub(super) fn encode(
        &self,
        cell_count: u32,
        strings: &mut dyn KeyStrings,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        put_bytes(out, 1, strings.region(self.region)?);
        put_bytes(out, 2, strings.table(self.table)?);
        put_number(out, SEQUENCE, self.sequence);
        put_number(out, WRITE_TIME, self.write_time.cast_unsigned());
        let mut message = Vec::new();
        for scope in &self.scopes {
            message.clear();
            put_bytes(&mut message, 1, strings.family(scope.family)?);
            put_number(&mut message, 0x10, u64::from(scope.scope));
            put_bytes(out, 6, &message);
        }
        put_number(out, CELL_COUNT, u64::from(cell_count));
        self.encode_ids(out);
        for attribute in &self.extended_attributes {
            message.clear();
            put_bytes(&mut message, 1, attribute.key.as_bytes());
            put_bytes(&mut message, 2, strings.table(attribute.value)?);
            put_bytes(out, 12, &message);
        }
        Ok(())
    }

    fn encode_ids(&self, out: &mut Vec<u8>) {
        for id in &self.cluster_ids {
            let mut message = Vec::new();
            put_number(&mut message, 0x08, id.least_significant);
            put_number(&mut message, 0x10, id.most_significant);
            put_bytes(out, 8, &message);
        }
        for (tag, value) in [
            (NONCE_GROUP, self.nonce_group.cast_unsigned()),
            (NONCE, self.nonce.cast_unsigned()),
            (ORIG_SEQUENCE, self.orig_sequence),
        ] {
            if value != 0 {
                put_number(out, tag, value);
            }
        }
    }
}

fn put_number(out: &mut Vec<u8>, tag: u32, value: u64) {
    put_varint(out, u64::from(tag));
    put_varint(out, value);
}
