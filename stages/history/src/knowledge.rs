//! What is known of times from which no entry of a region is available: whether all WALs that may have held some are.
//!
//! A region of which nothing more is known is quiet, or what was written to it is gone. It is quiet if the WALs of
//! every server that can have had it open are available, from a moment before the last known entry on.

use std::collections::{BTreeMap, BTreeSet};

use formats::wal::EventType;
use names::{EncodedRegionName, ServerName};

use crate::border::{Border, opened_ms};
use crate::region::is_event;
use crate::since::{Span, unknown_span};
use crate::whereabouts::{MetaKnown, Whereabouts, meta_known, whereabouts};
use crate::{
    Asked, Clocks, Closed, Cut, FileEnd, Finding, History, RegionHistory, RegionPlace, RegionStart, Starts,
};

/// Everything that may have been written above the starts and inside a cut, to WALs that are not available.
pub(crate) fn unknown(
    history: &History,
    starts: &Starts,
    cut: Option<&Cut>,
    clocks: &Clocks,
) -> Vec<Finding> {
    let moment_ms = cut.and_then(|cut| match cut.asked {
        Asked::Marker(_) => Some(cut.moment_ms?.saturating_add(history.tolerances.skew_ms)),
        _ => cut.moment_ms,
    });
    let written = history.files().iter().filter_map(|file| file.last_write_ms);
    let asked = starts.regions().values().filter_map(|start| start.created_ms);
    let meta = meta_known(history, clocks, written.chain(asked).max().unwrap_or(i64::MIN));
    let mut search = Search {
        history,
        starts,
        cut,
        clocks,
        moment_ms,
        meta,
        groups: groups_by_server(history),
        found: Vec::new(),
    };
    for region in history.lineages().with_descendants(starts.regions().keys()) {
        if !starts.ended().contains(&region) {
            search.region(&region);
        }
    }
    search.found
}

fn groups_by_server(history: &History) -> BTreeMap<&ServerName, Vec<Vec<usize>>> {
    let mut groups: BTreeMap<&ServerName, Vec<Vec<usize>>> = BTreeMap::new();
    for files in history.groups().into_values() {
        let server = files.first().and_then(|file| history.files().get(*file)).and_then(|file| file.server());
        if let Some(server) = server {
            groups.entry(server).or_default().push(files);
        }
    }
    groups
}

struct Search<'a> {
    history: &'a History,
    starts: &'a Starts,
    cut: Option<&'a Cut>,
    clocks: &'a Clocks,
    /// The time after which nothing that was written is in the cut; `None` if there is no such time.
    moment_ms: Option<i64>,
    meta: Option<MetaKnown>,
    groups: BTreeMap<&'a ServerName, Vec<Vec<usize>>>,
    found: Vec<Finding>,
}

impl Search<'_> {
    fn region(&mut self, region: &EncodedRegionName) {
        self.openings(region);
        if let Some(child) = self.child_inside(region) {
            if !is_finished(self.history, region, &child) {
                self.tell(Finding::ParentUnfinished { region: *region, child });
            }
            self.only_child(region);
            return;
        }
        // Something that is out is known: gaps show what lies before it.
        let is_out_known = self.cut.is_some_and(|cut| cut.last(region) < self.history.last_of(region));
        if is_out_known || self.ends_with_child(region) {
            return;
        }
        self.later_opening(region);
        match whereabouts(self.history, region) {
            (Whereabouts::Unseen, _) => {
                if let Some(start) = self.starts.regions().get(region) {
                    self.unseen(region, start);
                }
            }
            (Whereabouts::Closed { since_ms }, number) => self.lost_track(region, since_ms, number),
            (Whereabouts::On { file }, number) => self.on_server(region, file, number),
        }
    }

    /// A region that came of this one and is in the cut.
    fn child_inside(&self, region: &EncodedRegionName) -> Option<EncodedRegionName> {
        let inside = |child: &&EncodedRegionName| {
            self.history.region(child).is_some() && self.cut.is_none_or(|cut| cut.last(child) > 0)
        };
        self.children(region).find(inside).copied()
    }

    /// Another region came of this one later than the cut, so this one was closed before, wherever that was: what is
    /// missing up to there may belong to the cut.
    fn without_closing(&mut self, region: &EncodedRegionName) {
        let is_known = |child: &&EncodedRegionName| self.history.region(child).is_some();
        let child = self.children(region).find(is_known).copied().filter(|_| self.moment_ms.is_some());
        if let Some(child) = child.filter(|child| !is_finished(self.history, region, child)) {
            self.tell(Finding::ParentUnfinished { region: *region, child });
        }
    }

    /// A split has two daughters. A merge of a region without files looks like a split with only one daughter known:
    /// hbase:meta shows which it is.
    fn only_child(&mut self, region: &EncodedRegionName) {
        let lineages = self.history.lineages();
        let children: Vec<_> = self.children(region).collect();
        let [child] = children.as_slice() else { return };
        if lineages.parents(child).count() > 1 {
            return;
        }
        if let (Whereabouts::Closed { since_ms }, _) = whereabouts(self.history, region)
            && self.is_inside(since_ms)
            && !self.meta_tells(since_ms)
        {
            self.tell(Finding::Nowhere { region: *region, since_ms: Some(since_ms) });
        }
    }

    /// The regions that came of this one, except those that a restore had undone before the snapshot.
    fn children(&self, region: &EncodedRegionName) -> impl Iterator<Item = &EncodedRegionName> {
        self.history.lineages().children(region).filter(|child| !self.starts.ended().contains(*child))
    }

    /// Whether a region that came of this one alone opened right above its last known entry.
    fn ends_with_child(&self, region: &EncodedRegionName) -> bool {
        let last = self.history.last_of(region);
        let opened = |child: &EncodedRegionName| {
            let is_only = self.history.lineages().parents(child).count() == 1;
            let number = self.history.region(child).and_then(RegionHistory::first_open_number);
            is_only && last > 0 && number.is_some_and(|number| number <= last.saturating_add(1))
        };
        self.children(region).any(opened)
    }

    /// An opening that is later than the cut and in no available WAL, of a region of which nothing else is known to be
    /// out: what is missing before it may belong to the cut.
    fn later_opening(&mut self, region: &EncodedRegionName) {
        let Some(moment_ms) = self.moment_ms else { return };
        let (last, horizon) = (self.history.last_of(region), self.horizon());
        let opening = self.history.openings_told(region, Some(horizon)).find(|(place, server)| {
            let number = place.open_number.filter(|number| *number > last);
            place.write_time > moment_ms
                && number.is_some_and(|number| !self.history.has_opening(region, server, number))
        });
        if let Some((place, server)) = opening {
            let (server, number) = (server.clone(), place.open_number);
            self.tell(Finding::UnseenOpening { region: *region, server, number });
        }
    }

    /// Openings after the snapshot that hbase:meta records and no available WAL has.
    fn openings(&mut self, region: &EncodedRegionName) {
        let start = self.starts.regions().get(region);
        let held = start.map_or(0, |start| start.held);
        let late_ms = start
            .and_then(|start| start.created_ms)
            .map(|at| at.saturating_add(self.history.tolerances.clock_ms));
        let is_since = |place: &RegionPlace, number: u64| match start {
            Some(_) => number > held || late_ms.is_some_and(|late| place.write_time > late),
            None => true,
        };
        let openings: Vec<_> = self
            .history
            .openings_told(region, self.moment_ms)
            .filter_map(|(place, server)| Some((place.open_number?, server, place)))
            .filter(|(number, server, _)| !self.history.has_opening(region, server, *number))
            .filter(|(number, server, place)| {
                is_since(place, *number) || self.covers(server, place.write_time)
            })
            .map(|(number, server, place)| (number, server.clone(), place.write_time))
            .collect();
        for (number, server, at_ms) in openings {
            self.unseen_opening(region, server, Some(number), at_ms);
        }
    }

    /// The region was open on a server when its last known entry was written.
    fn on_server(&mut self, region: &EncodedRegionName, file: usize, number: Option<u64>) {
        self.gone_behind(file, i64::MIN);
        self.cut_short(region, file);
        let Some(server) = self.server(file) else { return };
        if self.history.dead_servers.contains(server) {
            let since_ms = self.last_write_of(server);
            self.without_closing(region);
            self.lost_track(region, since_ms, number);
            return;
        }
        self.newest_gone(file);
    }

    /// The snapshot's files reach beyond a region's last known entry. A flush or a bulk load has made them, and the
    /// WALs that follow that entry would show it.
    fn cut_short(&mut self, region: &EncodedRegionName, file: usize) {
        let Some(start) = self.starts.regions().get(region).filter(|start| start.taken_ms.is_some()) else {
            return;
        };
        let newest = self.newest_of_group(file);
        let is_whole = file == newest || self.history.borders.adjoin(file, newest);
        let last = self.history.last_of(region);
        if start.reach > last && is_whole {
            let path = self.history.files().get(newest).map(|file| file.path.clone()).unwrap_or_default();
            self.tell(Finding::CutShort { region: *region, path, known: last, reach: start.reach });
        }
    }

    /// The newest available WAL of a living server is closed, or torn and does not grow.
    fn newest_gone(&mut self, file: usize) {
        let newest = self.newest_of_group(file);
        let Some(state) = self.history.files().get(newest) else { return };
        if state.server().is_none_or(|server| self.history.dead_servers.contains(server)) {
            return;
        }
        let closed_by = state.closed_ms.or(state.archived_ms).or(state.last_write_ms).unwrap_or(i64::MIN);
        let listed_before = self.history.listed_ms.is_some_and(|listed| closed_by >= listed);
        if state.end == FileEnd::Closed && !listed_before && self.is_inside(closed_by) {
            self.tell(Finding::NewestGone { path: state.path.clone() });
        }
        if state.end == FileEnd::Torn && !state.growing && self.is_inside(closed_by) {
            self.tell(Finding::TornTail { path: state.path.clone() });
        }
    }

    /// The region was closed, or its server died; who opened it then?
    fn lost_track(&mut self, region: &EncodedRegionName, since_ms: i64, number: Option<u64>) {
        if !self.is_inside(since_ms) {
            return;
        }
        // What it had before the snapshot is in its files.
        let start = self.starts.regions().get(region);
        let asked_ms = start.and_then(|start| Some((start, start.since_ms?.saturating_sub(self.slack()))));
        if let Some((start, _)) = asked_ms.filter(|(_, asked)| since_ms < *asked) {
            return self.unseen(region, start);
        }
        let later = self.history.openings_told(region, self.moment_ms).find(|(place, server)| {
            match (number, place.open_number) {
                (Some(number), Some(recorded)) => {
                    recorded > number
                        || recorded == number && !self.history.has_opening(region, server, recorded)
                }
                _ => place.write_time > since_ms,
            }
        });
        if let Some((place, server)) = later {
            let (server, number, at) = (server.clone(), place.open_number, place.write_time);
            self.unseen_opening(region, server, number, at);
        } else if !self.meta_tells(since_ms) {
            self.tell(Finding::Nowhere { region: *region, since_ms: Some(since_ms) });
        }
    }

    /// A region of the snapshot of which no available WAL has an entry.
    fn unseen(&mut self, region: &EncodedRegionName, start: &RegionStart) {
        let since_ms = start.since_ms.map_or(i64::MIN, |since| since.saturating_sub(self.slack()));
        if !self.is_inside(since_ms) {
            return;
        }
        let opened = self.history.openings_told(region, self.moment_ms);
        let later = opened
            .filter(|(place, _)| place.write_time > since_ms)
            .find(|(place, _)| place.open_number.is_some_and(|number| number > start.held));
        if let Some((place, server)) = later.filter(|_| since_ms > i64::MIN) {
            let (server, number, at) = (server.clone(), place.open_number, place.write_time);
            return self.unseen_opening(region, server, number, at);
        }
        // For what a snapshot that flushed nothing lacks, no time is known: hbase:meta must be known from its beginning
        // on.
        let from_ms =
            self.meta.map_or(i64::MAX, |meta| if since_ms > i64::MIN { since_ms } else { meta.from_ms });
        if !self.meta_tells(from_ms) {
            return self.tell(Finding::Nowhere { region: *region, since_ms: start.since_ms });
        }
        for server in self.may_have_had(region, since_ms) {
            match self.groups.get(&server).cloned() {
                None => self.tell(Finding::UnknownServer { region: *region, server }),
                Some(groups) => groups.iter().for_each(|group| self.group_since(region, group, since_ms)),
            }
        }
    }

    /// hbase:meta records an opening that no WAL has: those of its server are not available.
    fn unseen_opening(
        &mut self,
        region: &EncodedRegionName,
        server: ServerName,
        number: Option<u64>,
        at_ms: i64,
    ) {
        for group in self.groups.get(&server).cloned().unwrap_or_default() {
            self.group_since(region, &group, at_ms);
        }
        self.tell(Finding::UnseenOpening { region: *region, server, number });
    }

    /// The servers that may have had a region open since a time.
    fn may_have_had(&self, region: &EncodedRegionName, since_ms: i64) -> BTreeSet<ServerName> {
        let known = self.meta_tells(since_ms);
        let home = match known && since_ms > i64::MIN {
            true => self.history.openings_told(region, Some(since_ms)).last(),
            false => self.history.openings_told(region, self.moment_ms).last(),
        };
        if let Some((_, server)) = home.filter(|_| known || since_ms == i64::MIN) {
            return BTreeSet::from([server.clone()]);
        }
        // Where hbase:meta records no move, it was on a server that had started before.
        let started = |server: &ServerName| server.start_code.and_then(|ms| i64::try_from(ms).ok());
        let was_there =
            |server: &ServerName| !known || started(server).is_none_or(|started| started <= since_ms);
        self.groups.keys().filter(|server| was_there(server)).map(|server| (*server).clone()).collect()
    }

    fn group_since(&mut self, region: &EncodedRegionName, group: &[usize], since_ms: i64) {
        let Some(first) = group.first().copied() else { return };
        if let Some(Span { from_ms, to_ms }) = unknown_span(self.history, region, first, since_ms)
            && self.is_inside(from_ms.unwrap_or(i64::MIN))
            && let Some(server) = self.server(first).cloned()
        {
            self.tell(Finding::UnknownSpan { region: *region, server, from_ms, to_ms });
        }
        self.gone_behind(first, since_ms);
        self.newest_gone(first);
    }

    /// Whether the WALs of a server that was alive at a time are available from before that time on: each group has one
    /// that was written then, and none is gone after it.
    fn covers(&self, server: &ServerName, at_ms: i64) -> bool {
        let early_ms = at_ms.saturating_sub(self.history.tolerances.clock_ms);
        let opened = |file: usize| self.history.files().get(file).and_then(opened_ms);
        let covers = |group: &Vec<usize>| {
            let written =
                group.iter().copied().take_while(|file| opened(*file).is_some_and(|at| at < early_ms));
            let border = written.last().map(|file| self.history.borders.behind(file));
            border.is_some_and(|border| border.is_none_or(|border| border == Border::Adjacent))
        };
        self.groups.get(server).is_some_and(|groups| groups.iter().all(covers))
    }

    /// A WAL of the group is gone after this file, and entries of it may be in the cut.
    fn gone_behind(&mut self, file: usize, since_ms: i64) {
        let Some((older, newer)) = self.history.borders.gone_behind(file) else { return };
        let (Some(old), Some(new)) = (self.history.files().get(older), self.history.files().get(newer))
        else {
            return;
        };
        let (Some(closed_ms), Some(next_ms)) = (old.closed_ms.or(old.archived_ms), opened_ms(new)) else {
            return;
        };
        if next_ms > since_ms && self.is_inside(closed_ms) {
            let (path, next) = (old.path.clone(), new.path.clone());
            self.tell(Finding::NeighbourGone { path, closed_ms, next });
        }
    }

    /// Whether what was written at a time, or later, may be in the cut.
    fn is_inside(&self, time_ms: i64) -> bool {
        self.moment_ms.is_none_or(|moment| time_ms <= moment)
    }

    /// Whether everything that hbase:meta said from a time on is known, up to the cut.
    fn meta_tells(&self, since_ms: i64) -> bool {
        let Some(MetaKnown { from_ms, until }) = self.meta else { return false };
        let horizon = match self.moment_ms {
            Some(moment) => moment,
            None => self.horizon(),
        };
        from_ms <= since_ms && until >= Closed::Until(horizon)
    }

    /// The time up to which WALs have been read at all.
    fn horizon(&self) -> i64 {
        let listed = self.history.listed_ms.map(|listed| listed - 1 - self.slack());
        let written = || self.history.files().iter().filter_map(|file| file.last_write_ms).max();
        listed.or_else(written).unwrap_or(i64::MIN)
    }

    /// How far two clocks may be apart, if a bound is known.
    fn slack(&self) -> i64 {
        self.clocks.widest()
    }

    fn server(&self, file: usize) -> Option<&ServerName> {
        self.history.files().get(file).and_then(|file| file.server())
    }

    fn newest_of_group(&self, file: usize) -> usize {
        let mut at = file;
        while let Some(next) = self.history.borders.next(at) {
            at = next;
        }
        at
    }

    /// The time up to which a server lived at least.
    fn last_write_of(&self, server: &ServerName) -> i64 {
        let files = self.groups.get(server).into_iter().flatten().flatten();
        let written = files.filter_map(|file| self.history.files().get(*file)?.last_write_ms);
        written.max().unwrap_or(i64::MIN)
    }

    fn tell(&mut self, finding: Finding) {
        // A server's WALs are reported once, not for each region that it may have had.
        let same = |known: &Finding| match (known, &finding) {
            (
                Finding::UnknownSpan { server, to_ms, .. },
                Finding::UnknownSpan { server: other, to_ms: other_to, .. },
            ) => server == other && to_ms == other_to,
            (Finding::UnknownServer { server, .. }, Finding::UnknownServer { server: other, .. }) => {
                server == other
            }
            (known, finding) => known == finding,
        };
        if !self.found.iter().any(same) {
            self.found.push(finding);
        }
    }
}

/// Whether a region's last known entry, before another region came of it, is its closing: a region is closed before it
/// is split or merged.
fn is_finished(history: &History, region: &EncodedRegionName, child: &EncodedRegionName) -> bool {
    let Some(entries) = history.region(region) else { return false };
    let end = history.end_before(region, child);
    let last = |wanted: EventType| {
        let events = entries.markers().iter().filter(|entry| is_event(&entry.marker, wanted));
        events.map(|entry| entry.sequence).filter(|sequence| *sequence <= end).max()
    };
    let closed = last(EventType::RegionClose);
    closed.is_some() && closed > last(EventType::RegionOpen) && closed > entries.last_edit_up_to(end)
}
