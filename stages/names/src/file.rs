use super::{EncodedRegionName, check_length, is_digits, is_lower_hex, refused, textual};
use crate::NameError;
use std::ops::RangeInclusive;

/// The name of an HFile: lower-case hexadecimal digits (normally 32), then `_SeqId_<n>_` if it was bulk loaded, or
/// `_del` for an old MOB delete file (`StoreFileInfo.HFILE_NAME_REGEX`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HFileName(Box<str>);

impl HFileName {
    /// Reads the name of an HFile.
    pub fn parse(text: &str) -> Result<Self, NameError> {
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

/// Hexadecimal digits of an MD5 or UUID.
const HEX: usize = 32;
/// Digits of a day, from the year 1 to that of the last timestamp there is, `292278994`.
const DAY_DIGITS: RangeInclusive<usize> = 8..=13;

/// The name of a MOB file: MD5 of the region's start key, day of the newest cell, UUID, and the region that wrote it
/// (`mob.MobFileName`). Old ones have no region: those look like any other HFile and are read as [`HFileName`].
///
/// A day has 8 digits only up to the year 9999; clients that count in micro- or nanoseconds write into years of up to 9
/// digits. (HBase reads such a day back by fixed positions, and so gets a wrong region and day.)
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MobFileName(Box<str>);

impl MobFileName {
    /// Reads `<32 hex><yyyyMMdd><32 hex>_<encoded region>`, with a year of 4 to 9 digits.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let what = "a MOB file name";
        check_length(what, text)?;
        let (hex, suffix) = split_suffix(text);
        let day = hex.len().checked_sub(2 * HEX).filter(|digits| DAY_DIGITS.contains(digits));
        let day = day.and_then(|digits| hex.get(HEX..HEX + digits)).unwrap_or_default();
        if !is_lower_hex(hex) || !is_digits(day) {
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

    /// The day of its newest cell, `yyyyMMdd`; the year may have more than 4 digits.
    pub fn day(&self) -> &str {
        let (hex, _) = split_suffix(&self.0);
        hex.get(HEX..hex.len().saturating_sub(HEX)).unwrap_or_default()
    }

    /// The encoded name of the region that wrote it.
    pub fn writer_region(&self) -> &str {
        split_suffix(&self.0).1.get(1..).unwrap_or_default()
    }
}
textual!(MobFileName);

/// The name of a file that itself holds cells: an HFile, which may be a MOB file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileName {
    /// An ordinary HFile.
    HFile(HFileName),
    /// A MOB file.
    Mob(MobFileName),
}

impl FileName {
    /// Reads either.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // Manifests name millions of HFiles: a refusal, with its text, is made only where it may be a MOB file.
        let digits = text.find('_').and_then(|at| at.checked_sub(2 * HEX));
        let may_be = digits.is_some_and(|digits| DAY_DIGITS.contains(&digits));
        let mob = if may_be { MobFileName::parse(text).ok() } else { None };
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
    }

    #[test]
    fn a_mob_file_may_be_of_a_far_day() {
        for (day, is_one) in [
            ("2026112", false),
            ("99991231", true),
            ("100000101", true),
            ("588600314", true),
            ("2922789940817", true),
            ("29227899408170", false),
            ("2922a89940817", false),
        ] {
            let text = format!("{}{day}{}", &MOB[..32], &MOB[40..]);
            let parsed = FileName::parse(&text);
            assert_eq!(matches!(parsed, Ok(FileName::Mob(_))), is_one, "{day}");
            if is_one {
                let name = MobFileName::parse(&text).unwrap();
                assert_eq!((name.as_str(), name.day()), (text.as_str(), day));
                assert_eq!(name.start_key_md5(), "6f8f57715090da2632453988d9a1501b");
                assert_eq!(name.writer_region(), "a52b92d17fe1f247252a26449b096ae9");
            }
        }
        assert!(MobFileName::parse(MOB).is_ok());
        assert!(MobFileName::parse(&format!("{}/", &MOB[..MOB.len() - 1])).is_err());
    }
}
