//! Times as people read them.

use jiff::Timestamp;

/// `2026-11-20T10:00:00Z`; a time outside the calendar is shown as a number.
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

/// Numbers that are seconds of the years 1973 to 5138; as milliseconds they would all lie before 1973.
const SECONDS: std::ops::Range<i64> = 100_000_000..100_000_000_000;

/// Parses a moment that somebody typed, as [`parse_ms`] does.
///
/// # Errors
/// Says what to type instead; for a number of seconds, the milliseconds that were probably meant.
pub fn parse_typed(text: &str) -> Result<i64, String> {
    let ms = parse_ms(text).ok_or_else(|| {
        format!("{text:?} is not a time: give 2026-11-20T10:00:00Z (its offset, too) or epoch ms")
    })?;
    match SECONDS.contains(&ms) && text.parse::<i64>().is_ok() {
        true => Err(format!(
            "{ms} looks like seconds: in milliseconds it is {}, which is {}",
            ms * 1_000,
            shown(ms * 1_000)
        )),
        false => Ok(ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_refused_with_their_milliseconds() {
        let seconds = parse_typed("1795168800").unwrap_err();
        assert!(seconds.contains("1795168800000") && seconds.contains("2026-11-20T10:00:00Z"), "{seconds}");
        assert_eq!((parse_typed("7"), parse_typed("-1795168800")), (Ok(7), Ok(-1_795_168_800)));
        assert_eq!(parse_typed("1971-01-01T00:00:00Z"), Ok(31_536_000_000), "a date is no number of seconds");
        assert!(parse_typed("2026-11-20").unwrap_err().contains("is not a time"));
    }
}
