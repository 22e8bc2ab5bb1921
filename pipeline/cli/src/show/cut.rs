use super::{count, facts, some, table};
use jobs::cut::{BaseReport, CutReport, GroupReport, RegionReport, assumption_text};

/// More regions or groups than this are counted, not listed; the JSON report has them all.
const LISTED: usize = 40;

/// A certificate.
pub fn cut(report: &CutReport) -> String {
    let base = |base: &BaseReport| {
        let kind = format!("{} of {}", base.kind, base.table);
        vec![base.snapshot.clone(), kind, count(base.regions), count(base.files)]
    };
    let mut text = facts(&[("cut", report.until.clone())]);
    text += &table(&["SNAPSHOT", "WHAT", "#REGIONS", "#FILES"], report.bases.iter().map(base));
    text += "\n";
    text += &replay(report);
    text += &completeness(report);
    text += &causality(report);
    text += &regions(report);
    text += &frontier(report);
    if !report.assumptions.is_empty() {
        text += "\ntaken for granted:\n";
        text.extend(report.assumptions.iter().map(|name| format!("  {}\n", assumption_text(name))));
    }
    text
}

fn replay(report: &CutReport) -> String {
    let of = &report.replay;
    if of.regions == 0 {
        return facts(&[("replayed", "nothing: the snapshot's files hold everything".to_owned())]);
    }
    let entries =
        format!("{} entries of {} regions, in {} batches", count(of.entries), of.regions, of.batches);
    let out: u64 = report.regions.iter().map(|region| region.entries_out).sum();
    facts(&[
        ("replayed", entries),
        ("bulk-loaded files", some(of.bulk_files)),
        ("left out", if out == 0 { String::new() } else { format!("{} entries", count(out)) }),
        ("regions held back", some(report.held_back.len() as u64)),
        ("stores without files", some(report.without_files.len() as u64)),
    ])
}

fn completeness(report: &CutReport) -> String {
    let of = &report.completeness;
    let ids = |gaps: jobs::cut::GapsReport, what: &str| match gaps.ids {
        0 => String::new(),
        ids => format!("{} ids ({what})", count(ids)),
    };
    let verdict = match (of.proved, of.missing.ids, of.ambiguous.ids) {
        (true, ..) => "proved: nothing is missing",
        (false, 0, 1..) if of.findings.is_empty() => "not proved: some unused ids may have been entries",
        _ => "NOT complete: see the problems",
    };
    facts(&[
        ("completeness", verdict.to_owned()),
        ("  explained", ids(of.explained, "flushes, opens and bulk loads took them")),
        ("  unlogged", ids(of.unlogged, "SKIP_WAL writes and flushes of empty memstores")),
        ("  AMBIGUOUS", ids(of.ambiguous, "at the border of two WALs: nothing shows which")),
        ("  MISSING", ids(of.missing, "entries that are in no WAL here")),
        ("  findings", some(of.findings.len() as u64)),
        ("  beyond what is known", some(report.beyond.len() as u64)),
    ])
}

fn causality(report: &CutReport) -> String {
    let declared = &report.declared;
    let clock = match &report.bounded {
        None => "none: nothing is proved by clocks (--clock-bound)".to_owned(),
        Some(of) if of.undated_regions == 0 && (of.uncertain_in == 0 || of.uncertain_out == 0) => {
            "bounded: the cut is consistent".to_owned()
        }
        Some(of) => format!(
            "bounded: {} edits in, {} out and {} regions are uncertain",
            count(of.uncertain_in),
            count(of.uncertain_out),
            of.undated_regions
        ),
    };
    facts(&[
        ("clocks", clock),
        ("dependencies", some(declared.given)),
        ("  trimmed", some(declared.trimmed)),
        ("  BROKEN in files", some(declared.in_files)),
        ("  of other tables", some(declared.outside)),
    ])
}

fn regions(report: &CutReport) -> String {
    let touched = |region: &&RegionReport| region.entries_in + region.entries_out > 0;
    let count_of = report.regions.iter().filter(touched).count();
    if count_of == 0 {
        return String::new();
    }
    if count_of > LISTED {
        return format!("\n{} regions: --output json has them all\n", count(count_of as u64));
    }
    let row = |of: &RegionReport| {
        let (table, relation) = (of.table.clone(), of.relation.to_owned());
        let files = of.covered.map(|id| id.to_string()).unwrap_or_default();
        let (last, known) = (of.last.to_string(), of.known.to_string());
        vec![
            of.region.clone(),
            table,
            relation,
            files,
            last,
            known,
            count(of.entries_in),
            count(of.entries_out),
        ]
    };
    let headings = ["REGION", "TABLE", "IS", "#IN FILES", "#CUT AT", "#KNOWN", "#IN", "#OUT"];
    format!("\n{}", table(&headings, report.regions.iter().filter(touched).map(row)))
}

fn frontier(report: &CutReport) -> String {
    let of = &report.frontier;
    if of.groups.is_empty() {
        return String::new();
    }
    let known = match (of.time_ms, &of.held_by) {
        (Some(ms), Some(group)) => format!("up to {ms} ms ({}), by {group}", catalog::time::shown(ms)),
        (Some(ms), None) => format!("up to {ms} ms ({})", catalog::time::shown(ms)),
        (None, _) => "whole: nothing more will come".to_owned(),
    };
    let mut text = String::from("\n") + &facts(&[("WALs are known", known)]);
    if of.groups.len() <= LISTED {
        let row = |of: &GroupReport| {
            let until = of.until_ms.map_or_else(|| "for ever".to_owned(), |ms| ms.to_string());
            vec![of.group.clone(), until, of.because.to_owned()]
        };
        text += &table(&["WAL GROUP", "#UP TO (ms)", "BECAUSE"], of.groups.iter().map(row));
    }
    text
}
