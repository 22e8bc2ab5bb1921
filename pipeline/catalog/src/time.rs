//! Times as people read them.

use jiff::Timestamp;

/// `2026-11-20T10:00:00Z`; a time that no calendar has is shown as the number it is.
pub fn shown(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => format!("{ms} ms"),
    }
}

/// `2026-11`.
pub fn month(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y-%m").to_string()
}

/// `20261120T100000Z`.
pub fn compact(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Milliseconds since the epoch, from such a number or from a time with its offset: `2026-11-20T10:00:00Z`.
pub fn parse_ms(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond))
}
