use super::proto;
use crate::wire::required;
use crate::{FormatError, FormatErrorKind};
use std::str::FromStr;

/// The attributes of a table or family, in their order; unknown ones are kept like all others.
///
/// Values are text in all but a few cases (`ENCRYPTION_KEY`), whatever they mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(pub Vec<(Vec<u8>, Vec<u8>)>);

impl Attributes {
    /// The value of an attribute; the last if there are several, as in HBase.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        let mut found = self.0.iter().rev().filter(|(name, _)| name == key.as_bytes());
        found.next().map(|(_, value)| value.as_slice())
    }

    /// The value of an attribute as text.
    pub fn text(&self, key: &str) -> Result<Option<&str>, FormatError> {
        let text = |value| std::str::from_utf8(value).map_err(|_| unreadable(key, value, "text"));
        self.get(key).map(text).transpose()
    }

    /// An attribute that is text of some type, or its default if it is not there.
    pub(super) fn parsed<T: FromStr>(&self, key: &str, what: &str, default: T) -> Result<T, FormatError> {
        match self.text(key)? {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| unreadable(key, text.as_bytes(), what)),
        }
    }

    /// An attribute that is `true` (in any case) or, as Java reads it, anything else.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, |value| value.eq_ignore_ascii_case(b"true"))
    }

    /// Reads them; `what` they belong to is for the errors.
    pub(super) fn decode(pairs: Vec<proto::BytesBytesPair>, what: &str) -> Result<Self, FormatError> {
        let pair = |pair: proto::BytesBytesPair| {
            let name = required(pair.first, &format!("{what}: the name of an attribute"), 0)?;
            Ok((name, required(pair.second, &format!("{what}: the value of an attribute"), 0)?))
        };
        pairs.into_iter().map(pair).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn to_proto(&self) -> Vec<proto::BytesBytesPair> {
        let pair = |(name, value): &(Vec<u8>, Vec<u8>)| proto::BytesBytesPair {
            first: Some(name.clone()),
            second: Some(value.clone()),
        };
        self.0.iter().map(pair).collect()
    }
}

/// The error for an attribute whose value is not what it should be.
pub(super) fn unreadable(key: &str, value: &[u8], what: &str) -> FormatError {
    let value = value.escape_ascii();
    FormatError::new(FormatErrorKind::Corrupt, format!("attribute {key} is \"{value}\", which is not {what}"))
}

/// Configuration of one table or family that overrides the cluster's, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configuration(pub Vec<(String, String)>);

impl Configuration {
    /// The value of a setting; the last if there are several, as in HBase.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn decode(pairs: Vec<proto::NameStringPair>, what: &str) -> Result<Self, FormatError> {
        let pair = |pair: proto::NameStringPair| {
            let name = required(pair.name, &format!("{what}: the name of a setting"), 0)?;
            Ok((name, required(pair.value, &format!("{what}: the value of a setting"), 0)?))
        };
        pairs.into_iter().map(pair).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn to_proto(&self) -> Vec<proto::NameStringPair> {
        let pair = |(name, value): &(String, String)| proto::NameStringPair {
            name: Some(name.clone()),
            value: Some(value.clone()),
        };
        self.0.iter().map(pair).collect()
    }
}
