use super::{EncodedRegionName, check_length, is_digits, is_lower_hex, refused, textual};
use crate::FormatError;

/// The name of an HFile: lower-case hexadecimal digits (normally 32), then `_SeqId_<n>_` if it was bulk loaded, or
/// `_del` for an old MOB delete file (`StoreFileInfo.HFILE_NAME_REGEX`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HFileName(Box<str>);

impl HFileName {
    /// Reads the name of an HFile.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let what = "an HFile name";
        check_length(what, text)?;
        let (hex, suffix) = split_suffix(text);
        if !is_lower_hex(hex) {
            return Err(refused(what, text, "it does not start with lower-case hexadecimal digits alone"));
        }
        let known = suffix.is_empty() || suffix == "_del" || bulk_sequence_id(suffix).is_some();
        if !known {
            return Err(refused(what, text, "what follows the digits is neither _SeqId_<n>_ nor _del"));
        }
        Ok(Self(text.into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The sequence id that a bulk load gave the file in its name: it replaces that of every cell on reading.
    pub fn bulk_sequence_id(&self) -> Option<u64> {
        bulk_sequence_id(split_suffix(&self.0).1)
    }

    /// Whether this is an old MOB delete file.
    pub fn is_mob_delete_file(&self) -> bool {
        self.0.ends_with("_del")
    }
}
textual!(HFileName);

fn split_suffix(text: &str) -> (&str, &str) {
    text.find('_').and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

/// The n of `_SeqId_<n>_`, a Java `long`.
fn bulk_sequence_id(suffix: &str) -> Option<u64> {
    let digits = suffix.strip_prefix("_SeqId_")?.strip_suffix('_')?;
    digits.parse().ok().filter(|&id: &u64| is_digits(digits) && i64::try_from(id).is_ok())
}

/// The name of a MOB file: MD5 of the region's start key, day, UUID, and the region that wrote it
/// (`mob.MobFileName`). Old ones have no region: those look like any other HFile and are read as [`HFileName`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MobFileName(Box<str>);

impl MobFileName {
    /// Reads `<32 hex><yyyyMMdd><32 hex>_<encoded region>`.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let what = "a MOB file name";
        check_length(what, text)?;
        let (hex, suffix) = split_suffix(text);
        let day = hex.get(32..40).unwrap_or_default();
        if hex.len() != 72 || !is_lower_hex(hex) || !is_digits(day) {
            return Err(refused(
                what,
                text,
                "it does not start with 32 hexadecimal digits, a day and 32 more",
            ));
        }
        EncodedRegionName::parse(suffix.strip_prefix('_').unwrap_or_default())
            .map_err(|_| refused(what, text, "it does not end in _<encoded region>"))?;
        Ok(Self(text.into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The MD5 of the start key of the region that wrote it, in hexadecimal.
    pub fn start_key_md5(&self) -> &str {
        self.0.get(..32).unwrap_or_default()
    }

    /// The day it was written, `yyyyMMdd`.
    pub fn day(&self) -> &str {
        self.0.get(32..40).unwrap_or_default()
    }

    /// The encoded name of the region that wrote it.
    pub fn writer_region(&self) -> &str {
        self.0.get(73..).unwrap_or_default()
    }
}
textual!(MobFileName);

/// The name of a file that holds cells itself: an HFile, which may be a MOB file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileName {
    /// An ordinary HFile.
    HFile(HFileName),
    /// A MOB file.
    Mob(MobFileName),
}

impl FileName {
    /// Reads either.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        // Manifests name millions of HFiles: a refusal, with its text, is made only where it may be a MOB file.
        let mob = if text.find('_') == Some(72) { MobFileName::parse(text).ok() } else { None };
        mob.map_or_else(|| HFileName::parse(text).map(Self::HFile), |name| Ok(Self::Mob(name)))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::HFile(name) => name.as_str(),
            Self::Mob(name) => name.as_str(),
        }
    }

    /// As [`HFileName::bulk_sequence_id`]; a MOB file has none.
    pub fn bulk_sequence_id(&self) -> Option<u64> {
        match self {
            Self::HFile(name) => name.bulk_sequence_id(),
            Self::Mob(_) => None,
        }
    }
}
textual!(FileName);

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "eeb05a9523104818b24410e7797c9293";
    const MOB: &str = "6f8f57715090da2632453988d9a1501b202611203c72ce2cecdb4dd8802b4febfdac9863_a52b92d17fe1f247252a26449b096ae9";

    #[test]
    fn the_bulk_load_sequence_id_is_in_the_name() {
        assert_eq!(HFileName::parse(HEX).unwrap().bulk_sequence_id(), None);
        let bulk = HFileName::parse("d874e83ad6514f40834c10a92f999a3b_SeqId_50_").unwrap();
        assert_eq!(bulk.bulk_sequence_id(), Some(50));
        assert!(HFileName::parse(&format!("{HEX}_del")).unwrap().is_mob_delete_file());
        let largest = format!("{HEX}_SeqId_{}_", i64::MAX);
        assert_eq!(HFileName::parse(&largest).unwrap().bulk_sequence_id(), Some(i64::MAX as u64));
    }

    #[test]
    fn no_other_name_is_an_hfile() {
        for bad in [
            "",
            ".",
            "..",
            "ABC",
            "xyz",
            "ab/cd",
            "ab\0",
            "_SeqId_1_",
            ".tmp",
            "a_del_del",
            "a_",
            "-1",
            "a b",
        ] {
            assert!(HFileName::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["_SeqId__", "_SeqId_-1_", "_SeqId_+1_", "_SeqId_1", "_SeqId_9223372036854775808_"] {
            assert!(HFileName::parse(&format!("{HEX}{bad}")).is_err(), "{bad:?}");
        }
        assert!(HFileName::parse(&"a".repeat(256)).is_err());
    }

    #[test]
    fn a_mob_file_says_day_and_region() {
        let name = MobFileName::parse(MOB).unwrap();
        assert_eq!(name.start_key_md5(), "6f8f57715090da2632453988d9a1501b");
        assert_eq!((name.day(), name.writer_region()), ("20261120", "a52b92d17fe1f247252a26449b096ae9"));
        assert!(matches!(FileName::parse(MOB).unwrap(), FileName::Mob(_)));
        assert!(matches!(FileName::parse(&MOB[..72]).unwrap(), FileName::HFile(_)), "an old one");
        assert!(MobFileName::parse(&MOB[1..]).is_err());
        assert!(MobFileName::parse(&format!("{}/", &MOB[..MOB.len() - 1])).is_err());
    }
}
