use super::{check_length, refused, textual};
use crate::NameError;
use std::fmt;

const DEFAULT_NAMESPACE: &str = "default";

/// HBase's alphabet: letters of any language (in the Basic Multilingual Plane, as Java looks at single UTF-16 units),
/// ASCII digits and `_`.
fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_ascii_digit() || (letter.is_alphabetic() && letter <= '\u{ffff}')
}

/// `TableName.isLegalNamespaceName`.
fn check_namespace(name: &str) -> Result<(), NameError> {
    let what = "a namespace";
    check_length(what, name)?;
    if name == "zookeeper" {
        return Err(refused(what, name, "HBase forbids this one"));
    }
    match name.chars().find(|&letter| !is_word(letter)) {
        Some(bad) => Err(refused(what, name, format_args!("{bad:?} is not a letter, digit or _"))),
        None => Ok(()),
    }
}

/// `TableName.isLegalTableQualifierName`, which HBase uses for snapshots too.
fn check_qualifier(what: &str, name: &str) -> Result<(), NameError> {
    check_length(what, name)?;
    if name == "zookeeper" {
        return Err(refused(what, name, "HBase forbids this one"));
    }
    if name.starts_with(['.', '-']) {
        return Err(refused(what, name, "it starts with . or -"));
    }
    match name.chars().find(|&letter| !is_word(letter) && letter != '-' && letter != '.') {
        Some(bad) => Err(refused(what, name, format_args!("{bad:?} is not a letter, digit, _, - or ."))),
        None => Ok(()),
    }
}

/// A namespace: `[_0-9A-Za-z]+`, with letters of any language.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace(Box<str>);

impl Namespace {
    /// Reads a namespace.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_namespace(text)?;
        Ok(Self(text.into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
textual!(Namespace);

/// A snapshot's name: the grammar of a table's qualifier (`ClientSnapshotDescriptionUtils`), so never `.tmp`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotName(Box<str>);

impl SnapshotName {
    /// Reads a snapshot's name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_qualifier("a snapshot name", text)?;
        Ok(Self(text.into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
textual!(SnapshotName);

/// A table: namespace and qualifier. Shown, as HBase does, without the default namespace: `t` or `ns:t`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// Always with the namespace: `ns:t`.
    full: Box<str>,
    /// Length of the namespace in bytes.
    colon: u16,
}

impl TableName {
    /// A table of a namespace.
    pub fn new(namespace: &str, qualifier: &str) -> Result<Self, NameError> {
        check_namespace(namespace)?;
        check_qualifier("a table name", qualifier)?;
        let full = format!("{namespace}:{qualifier}").into_boxed_str();
        let colon = u16::try_from(namespace.len()).unwrap_or_default();
        Ok(Self { full, colon })
    }

    /// Reads `t` (of the default namespace) or `ns:t`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (namespace, qualifier) = text.split_once(':').unwrap_or((DEFAULT_NAMESPACE, text));
        Self::new(namespace, qualifier)
    }

    /// Reads the bytes of `t` or `ns:t`.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, NameError> {
        Self::parse(utf8("a table name", bytes)?)
    }

    /// Reads `t` or `ns=t`, the form in link and back-reference names; the default namespace is never written there.
    pub fn parse_link_form(text: &str) -> Result<Self, NameError> {
        match text.split_once('=') {
            None => Self::new(DEFAULT_NAMESPACE, text),
            Some((DEFAULT_NAMESPACE, _)) => {
                Err(refused("a table in a link", text, "HBase leaves the default namespace out"))
            }
            Some((namespace, qualifier)) => Self::new(namespace, qualifier),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        self.full.split_at_checked(usize::from(self.colon)).map_or("", |(namespace, _)| namespace)
    }

    /// The name within the namespace.
    pub fn qualifier(&self) -> &str {
        let rest = self.full.split_at_checked(usize::from(self.colon)).map_or("", |(_, rest)| rest);
        rest.strip_prefix(':').unwrap_or(rest)
    }

    /// Always with the namespace: `default:t`, `ns:t`.
    pub fn full_form(&self) -> &str {
        &self.full
    }

    /// HBase's text form, part of a region's name: `t`, `ns:t`.
    pub fn text_form(&self) -> &str {
        if self.namespace() == DEFAULT_NAMESPACE { self.qualifier() } else { &self.full }
    }

    /// The form in link names: `t`, `ns=t`.
    pub fn link_form(&self) -> String {
        self.text_form().replace(':', "=")
    }

    /// The form in paths: `default/t`, `ns/t`.
    pub fn directory_form(&self) -> String {
        format!("{}/{}", self.namespace(), self.qualifier())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text_form())
    }
}

impl std::str::FromStr for TableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The bytes as text, or an error that says what they should have been.
pub(super) fn utf8<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str, NameError> {
    std::str::from_utf8(bytes).map_err(|_| refused(what, &String::from_utf8_lossy(bytes), "it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_four_forms() {
        let table = TableName::parse("ns1:t-2.x").unwrap();
        assert_eq!((table.namespace(), table.qualifier()), ("ns1", "t-2.x"));
        assert_eq!(table.to_string(), "ns1:t-2.x");
        assert_eq!(table.link_form(), "ns1=t-2.x");
        assert_eq!(table.directory_form(), "ns1/t-2.x");
        let plain = TableName::parse("t").unwrap();
        assert_eq!((plain.text_form(), plain.full_form()), ("t", "default:t"));
        assert_eq!((plain.link_form().as_str(), plain.directory_form().as_str()), ("t", "default/t"));
        assert_eq!(TableName::parse("default:t").unwrap(), plain);
        assert_eq!(TableName::parse_link_form("ns1=t-2.x").unwrap(), table);
        assert_eq!(TableName::parse("größe:таблица").unwrap().qualifier(), "таблица");
    }

    #[test]
    fn what_could_leave_a_directory_is_no_table() {
        for bad in
            ["", ":", "a:", ":b", "..", ".x", "-x", "a/b", "a:b:c", "a\0", "zookeeper", "zookeeper:t", "a b"]
        {
            assert!(TableName::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["a.b:t", "a-b:t", "\u{1d400}"] {
            assert!(TableName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(
            TableName::parse_link_form("default=t").is_err(),
            "it would not be written back as it was read"
        );
        assert!(TableName::parse(&"t".repeat(256)).is_err());
    }

    #[test]
    fn a_snapshot_is_named_like_a_table_without_namespace() {
        assert_eq!(SnapshotName::parse("s1-a.b_c").unwrap().as_str(), "s1-a.b_c");
        for bad in [".tmp", "..", "a/b", "ns:s", "", "-s", "a\0b", "zookeeper"] {
            assert!(SnapshotName::parse(bad).is_err(), "{bad:?}");
        }
        let error = SnapshotName::parse("a/b").unwrap_err();
        assert_eq!(error.what, "\"a/b\" is not a snapshot name: '/' is not a letter, digit, _, - or .");
    }
}
