//! Schemas as the HBase shell's `describe` shows them.

use super::{Attributes, ColumnFamilySchema, Configuration, TableSchema};
use std::fmt;

/// `ColumnFamilyDescriptorBuilder.RESERVED_KEYWORDS`: other attributes are shown under METADATA.
const FAMILY_KEYWORDS: [&str; 17] = [
    "BLOOMFILTER",
    "REPLICATION_SCOPE",
    "VERSIONS",
    "MIN_VERSIONS",
    "COMPRESSION",
    "TTL",
    "BLOCKSIZE",
    "IN_MEMORY",
    "BLOCKCACHE",
    "KEEP_DELETED_CELLS",
    "DATA_BLOCK_ENCODING",
    "INDEX_BLOCK_ENCODING",
    "ENCRYPTION",
    "ENCRYPTION_KEY",
    "IS_MOB",
    "MOB_THRESHOLD",
    "MOB_COMPACT_PARTITION_POLICY",
];
/// `TableDescriptorBuilder.RESERVED_KEYWORDS`.
const TABLE_KEYWORDS: [&str; 8] = [
    "MAX_FILESIZE",
    "READONLY",
    "MEMSTORE_FLUSHSIZE",
    "DURABILITY",
    "REGION_REPLICATION",
    "PRIORITY",
    "ERASURE_CODING_POLICY",
    "IS_META",
];

/// `NAME => 'cf', VERSIONS => '3', ...`, in braces: a line that the shell takes back in `create`.
impl fmt::Display for ColumnFamilySchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (known, others) = split(&self.attributes, |key| FAMILY_KEYWORDS.contains(&key));
        let mut parts = vec![format!("NAME => '{}'", self.name)];
        parts.extend(known);
        parts.extend(braced("METADATA", &others));
        parts.extend(configuration(&self.configuration));
        write!(f, "{{{}}}", parts.join(", "))
    }
}

/// The table with its attributes, then a line for each family.
impl fmt::Display for TableSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_known = |key: &str| TABLE_KEYWORDS.contains(&key) || key.starts_with("coprocessor$");
        let (mut known, mut others) = split(&self.attributes, is_known);
        known.retain(|part| part != "IS_META => 'false'");
        known.sort_unstable();
        others.sort_unstable();
        known.extend(braced("METADATA", &others));
        write!(f, "'{}'", self.table)?;
        if !known.is_empty() {
            write!(f, ", {{TABLE_ATTRIBUTES => {{{}}}}}", known.join(", "))?;
        }
        if let Some(own) = configuration(&self.configuration) {
            write!(f, ", {{{own}}}")?;
        }
        self.families.iter().try_for_each(|family| write!(f, "\n{family}"))
    }
}

/// Attributes as `KEY => 'value'`, and those that HBase does not know as `'key' => 'value'`.
fn split(attributes: &Attributes, is_known: impl Fn(&str) -> bool) -> (Vec<String>, Vec<String>) {
    let (mut known, mut others) = (Vec::new(), Vec::new());
    for (key, value) in &attributes.0 {
        let key = String::from_utf8_lossy(key);
        let value = shown(&key, value);
        if is_known(&key) {
            known.push(format!("{key} => '{value}'"));
        } else {
            others.push(format!("'{}' => '{value}'", key.escape_debug()));
        }
    }
    (known, others)
}

fn braced(name: &str, parts: &[String]) -> Option<String> {
    (!parts.is_empty()).then(|| format!("{name} => {{{}}}", parts.join(", ")))
}

fn configuration(settings: &Configuration) -> Option<String> {
    let setting =
        |(key, value): &(String, String)| format!("'{}' => '{}'", key.escape_debug(), value.escape_debug());
    braced("CONFIGURATION", &settings.0.iter().map(setting).collect::<Vec<_>>())
}

/// A value as `PrettyPrinter` shows it; a key, even a wrapped one, is a secret, so only its length is shown.
fn shown(key: &str, value: &[u8]) -> String {
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok());
    match (key, number) {
        ("ENCRYPTION_KEY", _) => format!("<{} bytes>", value.len()),
        ("TTL", Some(seconds)) => shown_seconds(seconds),
        ("BLOCKSIZE" | "MAX_FILESIZE" | "MEMSTORE_FLUSHSIZE", Some(bytes)) => shown_bytes(bytes),
        _ => match std::str::from_utf8(value) {
            Ok(text) => text.escape_debug().to_string(),
            Err(_) => value.escape_ascii().to_string(),
        },
    }
}

/// `PrettyPrinter.humanReadableTTL`: `86400 SECONDS (1 DAY)`.
fn shown_seconds(seconds: i64) -> String {
    if seconds == i64::from(i32::MAX) {
        return "FOREVER".to_owned();
    }
    let counted = |count: i64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "S" });
    if seconds < 60 {
        return counted(seconds, "SECOND");
    }
    let units = [
        (seconds / 86_400, "DAY"),
        (seconds / 3_600 % 24, "HOUR"),
        (seconds / 60 % 60, "MINUTE"),
        (seconds % 60, "SECOND"),
    ];
    let parts: Vec<_> =
        units.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| counted(*count, unit)).collect();
    format!("{seconds} SECONDS ({})", parts.join(" "))
}

/// `PrettyPrinter.humanReadableByte`: `65536 B (64KB)`.
fn shown_bytes(bytes: i64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let units = [
        (bytes >> 40, "TB"),
        (bytes >> 30 & 1023, "GB"),
        (bytes >> 20 & 1023, "MB"),
        (bytes >> 10 & 1023, "KB"),
        (bytes & 1023, "B"),
    ];
    let parts: Vec<_> =
        units.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    format!("{bytes} B ({})", parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_hbase_shows_them() {
        assert_eq!(shown("TTL", b"2147483647"), "FOREVER");
        assert_eq!(shown("TTL", b"86400"), "86400 SECONDS (1 DAY)");
        assert_eq!(shown("TTL", b"93784"), "93784 SECONDS (1 DAY 2 HOURS 3 MINUTES 4 SECONDS)");
        assert_eq!(shown("TTL", b"1"), "1 SECOND");
        assert_eq!(shown("BLOCKSIZE", b"65536"), "65536 B (64KB)");
        assert_eq!(shown("BLOCKSIZE", b"1536"), "1536 B (1KB 512B)");
        assert_eq!(shown("MAX_FILESIZE", b"10737418240"), "10737418240 B (10GB)");
        assert_eq!(shown("ENCRYPTION_KEY", b"\x01\x02"), "<2 bytes>");
        assert_eq!(shown("x", b"it's\n"), "it\\'s\\n");
    }
}
