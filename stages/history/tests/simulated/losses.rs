//! WALs that are gone, from histories on the scale of a real cluster: whole files, whole servers, ends of files. What is
//! lost with them is reported.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::sim::{Cluster, Content, End, Entry, Reading, Shape, SimDescent, simulate};
use fixtures::{Random, seeds};
use formats::wal::Marker;
use names::{WalKind, WalName};

use crate::explain;
use crate::feed::{self, Located};
use crate::real::{Question, Until, Verdict, bases, untils};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    /// The first WAL of a group.
    FirstOfAGroup,
    /// All WALs of a server, but for those of hbase:meta.
    AllOfAServer,
    /// All WALs of a server, and its directory: nothing says that it ever lived.
    AServersLife,
    /// The end of the last WAL that holds a region which was split or merged, asked of snapshots from before that.
    AParentsTail,
    /// The same for later snapshots: it is the end of a WAL that was written last.
    TheEndOfAWal,
    /// The WAL with the COMPACTION that took a bulk-loaded file, of which the marker is still there.
    TheCompactionOfALoad,
    /// A WAL between two others of its group.
    AMiddleOne,
    /// The newest WAL of a server that lives.
    TheNewestOfTheLiving,
}

const LOSSES: [Loss; 8] = [
    Loss::FirstOfAGroup,
    Loss::AllOfAServer,
    Loss::AServersLife,
    Loss::AParentsTail,
    Loss::TheEndOfAWal,
    Loss::TheCompactionOfALoad,
    Loss::AMiddleOne,
    Loss::TheNewestOfTheLiving,
];

impl Loss {
    /// Losses that are never passed over in silence.
    fn is_always_told(self) -> bool {
        self != Self::TheEndOfAWal
    }

    /// What is left; `None` where there is nothing to be lost so.
    fn of(self, cluster: &Cluster, reading: &Reading, random: &mut Random) -> Option<Left> {
        let mut parent = None;
        let mut reading = reading.clone();
        let mut files = feed::found(cluster, &reading);
        let wals: Vec<usize> = (0..files.len()).filter(|at| is_region_wal(&files[*at])).collect();
        let pick = |from: &[usize], random: &mut Random| -> Option<usize> {
            from.get(random.below(from.len() as u64) as usize).copied()
        };
        let at = pick(&wals, random)?;
        let name = files[at].name.clone()?;
        let group = |file: &Located| file.name.as_ref().is_some_and(|other| other.group() == name.group());
        let created = |file: &Located| file.name.as_ref().map_or(0, |name| name.created_ms);
        let of_group: BTreeSet<u64> = files.iter().filter(|file| group(file)).map(created).collect();
        match self {
            Self::FirstOfAGroup => {
                let first = *of_group.first()?;
                files.retain(|file| !(group(file) && created(file) == first));
            }
            Self::AMiddleOne => {
                let middle: Vec<u64> =
                    of_group.iter().copied().skip(1).take(of_group.len().checked_sub(2)?).collect();
                let lost = *middle.get(random.below(middle.len().max(1) as u64) as usize)?;
                files.retain(|file| !(group(file) && created(file) == lost));
            }
            Self::TheNewestOfTheLiving => {
                let dead = |server: &usize| cluster.servers[*server].name == name.server;
                if of_group.len() < 2 || reading.dead.iter().any(dead) {
                    return None;
                }
                let newest = *of_group.last()?;
                files.retain(|file| !(group(file) && created(file) == newest));
            }
            Self::AllOfAServer => files.retain(|file| !(is_region_wal(file) && is_of(file, &name))),
            Self::AServersLife => {
                files.retain(|file| !is_of(file, &name));
                reading.dead.retain(|server| cluster.servers[*server].name != name.server);
            }
            Self::AParentsTail | Self::TheEndOfAWal => {
                parent = Some(cut_a_tail(cluster, &mut files, random)?);
            }
            Self::TheCompactionOfALoad => {
                let lost = compaction_of_a_load(&files, random)?;
                files.remove(lost);
            }
        }
        Some(Left { reading, files, parent })
    }
}

/// What is left.
struct Left {
    reading: Reading,
    files: Vec<Located>,
    /// The region whose end is lost, and from when on.
    parent: Option<(usize, u64)>,
}

impl Left {
    /// Whether a snapshot is one that the loss is asked of.
    fn concerns(&self, loss: Loss, cluster: &Cluster, base: usize) -> bool {
        let Some((parent, from)) = self.parent else { return true };
        let snapshot = &cluster.snapshots[base];
        let is_replayed = cluster.with_descendants(snapshot.regions.keys().copied()).contains(&parent);
        let ended = |descent: &SimDescent| {
            descent.parents.contains(&parent) && descent.at >= snapshot.at && descent.at >= from
        };
        (is_replayed && cluster.descents.iter().any(ended)) == (loss == Loss::AParentsTail)
    }
}

fn is_region_wal(file: &Located) -> bool {
    file.name.as_ref().is_some_and(|name| name.kind != WalKind::Meta)
}

fn is_of(file: &Located, name: &WalName) -> bool {
    file.name.as_ref().is_some_and(|other| other.server == name.server)
}

/// The last WAL of a parent ends before the last of its entries, or is gone.
fn cut_a_tail(cluster: &Cluster, files: &mut Vec<Located>, random: &mut Random) -> Option<(usize, u64)> {
    let parents: Vec<usize> = cluster.descents.iter().flat_map(|descent| descent.parents.clone()).collect();
    let parent = *parents.get(random.below(parents.len().max(1) as u64) as usize)?;
    let is_own = |entry: &Entry| entry.region == Some(parent);
    let newest =
        |file: &Located| file.entries.iter().filter(|entry| is_own(entry)).map(|entry| entry.at).max();
    let of_parent = files.iter().enumerate().filter(|(_, file)| is_region_wal(file));
    let (at, _) =
        of_parent.filter(|(_, file)| newest(file).is_some()).max_by_key(|(_, file)| newest(file))?;
    let last = files[at].entries.iter().rposition(is_own)?;
    let first_own = |entries: &[Entry]| entries.iter().find(|entry| is_own(entry)).map(|entry| entry.at);
    if random.below(3) == 0 {
        let file = files.remove(at);
        return Some((parent, first_own(&file.entries)?));
    }
    let lost = files[at].entries.split_off(random.below(last as u64 + 1) as usize);
    files[at].end = End::Unclosed;
    Some((parent, first_own(&lost)?))
}

/// A WAL with a COMPACTION of a bulk-loaded file whose marker lies in another one.
fn compaction_of_a_load(files: &[Located], random: &mut Random) -> Option<usize> {
    let markers = |file: &Located| -> Vec<Marker> {
        let markers = file.entries.iter().filter_map(|entry| match &entry.content {
            Content::Marker(marker, _) => Some(marker.as_ref().clone()),
            _ => None,
        });
        markers.collect()
    };
    let loaded = |file: &Located| -> BTreeSet<String> {
        let markers = markers(file);
        let loads = markers.iter().filter_map(|marker| match marker {
            Marker::BulkLoad(load) => Some(load.stores.iter().flat_map(|store| store.store_file.clone())),
            _ => None,
        });
        loads.flatten().collect()
    };
    let loads: Vec<BTreeSet<String>> = files.iter().map(loaded).collect();
    let takes_another = |at: &usize| {
        markers(&files[*at]).iter().any(|marker| match marker {
            Marker::Compaction(compaction) => compaction.compaction_input.iter().any(|input| {
                let elsewhere =
                    loads.iter().enumerate().any(|(other, loads)| other != *at && loads.contains(input));
                elsewhere && !loads[*at].contains(input)
            }),
            _ => false,
        })
    };
    let fitting: Vec<usize> = (0..files.len()).filter(takes_another).collect();
    fitting.get(random.below(fitting.len().max(1) as u64) as usize).copied()
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    /// Cuts that were proved and right before.
    asked: usize,
    /// Of these, those with other content now, or none.
    changed: usize,
    told: usize,
    /// Reported, though the content is the same.
    told_unchanged: usize,
    /// The first seed at which nothing was reported.
    silent: Option<u64>,
}

fn question<'a>(
    cluster: &'a Cluster,
    reading: &'a Reading,
    whole: &'a Reading,
    (base, until): (usize, Until<'a>),
) -> Question<'a> {
    Question { cluster, reading, whole, snapshot: &cluster.snapshots[base], until }
}

#[test]
fn what_is_lost_is_reported() {
    let mut counts: BTreeMap<Loss, Count> = BTreeMap::new();
    for seed in seeds(200) {
        let cluster = simulate(seed, &Shape::real(seed));
        let random = &mut Random::new(seed ^ 0x1055);
        let whole = Reading::at_end(&cluster);
        let files = feed::found(&cluster, &whole);
        let bases = bases(&cluster, whole.listed, random);
        let asked: Vec<_> = bases
            .into_iter()
            .flat_map(|base| {
                untils(&cluster, whole.claimed, random).into_iter().map(move |until| (base, until))
            })
            .collect();
        let right: Vec<_> = asked
            .into_iter()
            .filter(|asked| question(&cluster, &whole, &whole, *asked).verdict(&files) == Verdict::Proved)
            .collect();
        for loss in LOSSES {
            let Some(left) = loss.of(&cluster, &whole, random) else { continue };
            let count = counts.entry(loss).or_default();
            if std::env::var_os("TIDEGATE_SEED").is_some() {
                explain::lost(loss, &files, &left.files);
            }
            for asked in right.iter().filter(|(base, _)| left.concerns(loss, &cluster, *base)) {
                count.asked += 1;
                match question(&cluster, &left.reading, &whole, *asked).verdict(&left.files) {
                    Verdict::Proved => {}
                    Verdict::Told(_, true) => count.told_unchanged += 1,
                    Verdict::Told(_, false) | Verdict::Refused(_) => {
                        (count.changed, count.told) = (count.changed + 1, count.told + 1);
                    }
                    Verdict::Wrong(_) => {
                        count.changed += 1;
                        count.silent = count.silent.or(Some(seed));
                    }
                }
            }
        }
    }
    eprintln!("asked / changed / of these reported / reported though nothing has changed");
    for (loss, Count { asked, changed, told, told_unchanged, silent }) in &counts {
        let silent = silent.map_or(String::new(), |seed| format!("; silent at seed {seed}"));
        eprintln!("{asked:6} {changed:6} {told:6} {told_unchanged:6}  {loss:?}{silent}");
    }
    for (loss, count) in counts.iter().filter(|(loss, _)| loss.is_always_told()) {
        assert_eq!(count.told, count.changed, "{loss:?}: silent at seed {:?}", count.silent);
    }
}
