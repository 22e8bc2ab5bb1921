use super::{check_length, refused, table::utf8, textual};
use crate::NameError;
use crate::root::RECOVERED_EDITS;
use std::collections::BTreeSet;

/// A column family's name: 1 to 127 bytes without control characters, `:`, `/` and `\`, not starting with `.`, not
/// `recovered.edits` (`ColumnFamilyDescriptorBuilder.isLegalColumnFamilyName`).
///
/// HBase takes any bytes from 0x80 up; here they must be UTF-8 too, because HBase's own path of any other family is
/// not unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FamilyName(Box<str>);

impl FamilyName {
    /// Reads a family's name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let what = "a column family";
        check_length(what, text)?;
        if text.len() > 127 {
            return Err(refused(what, text, format_args!("{} bytes, over 127", text.len())));
        }
        if text.starts_with('.') || text == RECOVERED_EDITS {
            return Err(refused(what, text, "HBase uses such names for itself"));
        }
        match text.chars().find(|&letter| letter.is_control() || matches!(letter, ':' | '/' | '\\')) {
            Some(bad) => Err(refused(what, text, format_args!("{bad:?} is not allowed"))),
            None => Ok(Self(text.into())),
        }
    }

    /// Reads the bytes of a family's name.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, NameError> {
        Self::parse(utf8("a column family", bytes)?)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
textual!(FamilyName);

/// A name that is there twice.
pub fn first_twice<'a>(mut names: impl Iterator<Item = &'a FamilyName>) -> Option<&'a FamilyName> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_a_harmless_path_segment() {
        for good in ["f", "mob gz", "a=b", "fam-1_x.y", "größe"] {
            assert_eq!(FamilyName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", ".f", "a/b", "a:b", "a\\b", "a\0", "a\n", "\u{7f}", "recovered.edits"] {
            assert!(FamilyName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(FamilyName::parse(&"f".repeat(127)).is_ok());
        assert!(FamilyName::parse(&"f".repeat(128)).is_err());
        assert!(FamilyName::parse_bytes(b"\xff").is_err());
    }
}
