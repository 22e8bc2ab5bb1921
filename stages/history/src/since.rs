//! Since when the WALs of a group are available, for a region that its server may have had open.

use crate::History;
use crate::border::{Border, opened_ms};
use names::{EncodedRegionName, ServerName};

/// A span of time from which no WAL of a group is available.
pub(crate) struct Span {
    pub from_ms: Option<i64>,
    pub to_ms: i64,
}

/// The span after `since_ms`, before the group's oldest available WAL, from which none is available.
pub(crate) fn unknown_span(
    history: &History,
    region: &EncodedRegionName,
    first: usize,
    since_ms: i64,
) -> Option<Span> {
    let file = history.files().get(first)?;
    let opened = opened_ms(file)?;
    let started = file.server()?.start_code.and_then(|ms| i64::try_from(ms).ok());
    let is_first = started.is_some_and(|started| opened - started <= history.tolerances.start_ms)
        && !history.borders.goes_on(first)
        && !was_open_before(history, region, file.server()?, opened);
    if opened <= since_ms || is_first {
        return None;
    }
    let from_ms = started.unwrap_or(i64::MIN).max(since_ms);
    Some(Span { from_ms: (from_ms > i64::MIN).then_some(from_ms), to_ms: opened })
}

/// Whether hbase:meta records that a server had opened a region by a time, and no available WAL has that opening: then
/// the server had a WAL before.
fn was_open_before(
    history: &History,
    region: &EncodedRegionName,
    server: &ServerName,
    opened_ms: i64,
) -> bool {
    let until_ms = opened_ms.saturating_sub(history.tolerances.clock_ms);
    let mut openings = history.openings_told(region, Some(until_ms)).filter(|(_, opener)| *opener == server);
    openings.any(|(place, _)| {
        place.open_number.is_some_and(|number| !history.has_opening(region, server, number))
    })
}

/// Whether all WALs of a file's group are available from a time on, up to that file, as their borders show.
pub(crate) fn is_known_since(
    history: &History,
    region: &EncodedRegionName,
    file: usize,
    since_ms: i64,
) -> bool {
    let borders = &history.borders;
    let Some(mut at) = borders.first_of(file) else { return false };
    if unknown_span(history, region, at, since_ms).is_some() {
        return false;
    }
    while at != file {
        let Some(next) = borders.next(at) else { return false };
        let opened = history.files().get(next).and_then(opened_ms);
        if borders.behind(at) != Some(Border::Adjacent) && opened.is_none_or(|opened| opened > since_ms) {
            return false;
        }
        at = next;
    }
    true
}
