use super::{TableName, check_length, is_digits, is_lower_hex, refused, textual};
use crate::NameError;
use md5::{Digest, Md5};

const MD5_HEX: usize = 32;
/// A Jenkins hash is a positive Java `int`.
const JENKINS_MAX: usize = 10;

/// A region's encoded name, the name of its directory: the MD5 of its region name as 32 lower-case hexadecimal
/// digits, or, for hbase:meta's first region and those of HBase before 0.90, a Jenkins hash in decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EncodedRegionName {
    bytes: [u8; MD5_HEX],
    length: u8,
}

impl EncodedRegionName {
    /// Reads an encoded region name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let what = "an encoded region name";
        check_length(what, text)?;
        let md5 = text.len() == MD5_HEX && is_lower_hex(text);
        let jenkins = text.len() <= JENKINS_MAX && is_digits(text);
        if !md5 && !jenkins {
            return Err(refused(what, text, "neither 32 lower-case hexadecimal digits nor a decimal hash"));
        }
        Ok(Self::from_ascii(text.as_bytes()))
    }

    /// Makes one of checked text of at most 32 ASCII bytes.
    fn from_ascii(text: &[u8]) -> Self {
        let mut bytes = [0; MD5_HEX];
        bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        Self { bytes, length: text.len().min(MD5_HEX) as u8 }
    }

    /// The encoded name of a region from its region name (without the trailing `.<encoded>.`), as [`region_name`]
    /// makes it.
    pub fn of_region_name(region_name: &[u8]) -> Self {
        if region_name == b"hbase:meta,,1" {
            return Self::from_ascii(b"1588230740");
        }
        let hex: Vec<u8> = Md5::digest(region_name).iter().flat_map(|&byte| hex_digits(byte)).collect();
        Self::from_ascii(&hex)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        let used = self.bytes.split_at_checked(usize::from(self.length)).map_or(&[][..], |(used, _)| used);
        std::str::from_utf8(used).unwrap_or_default()
    }
}
textual!(EncodedRegionName);

fn hex_digits(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    [digit(byte >> 4), digit(byte & 15)]
}

/// A region's name without its trailing encoded name: `<table>,<start key>,<region id>`, and `_%04X` of the replica
/// id where it is not 0 (`RegionInfo.createRegionName`). The start key may hold any byte.
pub fn region_name(table: &TableName, start_key: &[u8], region_id: u64, replica_id: u16) -> Vec<u8> {
    let mut name = Vec::with_capacity(table.full_form().len() + start_key.len() + 32);
    name.extend_from_slice(table.text_form().as_bytes());
    name.push(b',');
    name.extend_from_slice(start_key);
    name.extend_from_slice(format!(",{region_id}").as_bytes());
    if replica_id > 0 {
        name.extend_from_slice(format!("_{replica_id:04X}").as_bytes());
    }
    name
}

/// The encoded name of a table's MOB pseudo-region: start key `.mob`, region id 0 (`MobUtils.getMobRegionInfo`).
pub fn mob_region_name(table: &TableName) -> EncodedRegionName {
    EncodedRegionName::of_region_name(&region_name(table, b".mob", 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> TableName {
        TableName::parse(text).unwrap()
    }

    #[test]
    fn encoded_names_are_those_hbase_gave() {
        let of = |t: &str, start: &[u8], id| {
            EncodedRegionName::of_region_name(&region_name(&table(t), start, id, 0)).to_string()
        };
        assert_eq!(of("t1", b"r01000", 1_795_211_501_137), "27ba5a77c0798fa39313e7f9cf0b0793");
        assert_eq!(of("hbase:meta", b"", 1), "1588230740");
        // From the golden sets: the MOB directory of table `formats`.
        assert_eq!(mob_region_name(&table("formats")).as_str(), "844b146e6cfd0f8bff9615c1f33555da");
    }

    #[test]
    fn a_replica_has_a_name_of_its_own() {
        assert_eq!(region_name(&table("ns:t"), b"a,b", 7, 0), b"ns:t,a,b,7");
        assert_eq!(region_name(&table("t"), b"", 7, 11), b"t,,7_000B");
    }

    #[test]
    fn only_md5_and_decimal_hashes_are_encoded_names() {
        let md5 = "27ba5a77c0798fa39313e7f9cf0b0793";
        for good in [md5, "1588230740", "70236052"] {
            assert_eq!(EncodedRegionName::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "..",
            "abc",
            "27BA5A77C0798FA39313E7F9CF0B0793",
            "12345678901",
            "27ba5a77c0798fa39313e7f9cf0b079/",
        ] {
            assert!(EncodedRegionName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(EncodedRegionName::parse(&format!("{md5}0")).is_err());
    }
}
