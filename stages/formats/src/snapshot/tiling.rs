use super::{ManifestFault, RegionManifest, RegionRole};
use names::EncodedRegionName;

/// Whether the regions that hold rows tile the key space: the first starts at its start, each starts where the one
/// before ends, the last ends at its end. Split parents, the MOB pseudo-region and replicas are left out. Each fault
/// is between neighbours in the order of start keys.
pub fn check_tiling(regions: &[RegionManifest]) -> Vec<ManifestFault> {
    let mut holding: Vec<&RegionManifest> =
        regions.iter().filter(|region| region.role() == RegionRole::Rows).collect();
    holding.sort_by(|a, b| (&a.region.start_key, &a.encoded).cmp(&(&b.region.start_key, &b.encoded)));
    if holding.is_empty() {
        return vec![ManifestFault::NoRegions];
    }
    let mut sweep = Sweep { faults: Vec::new(), furthest: None };
    for region in holding {
        sweep.next(region);
    }
    sweep.close()
}

/// Goes over the regions by start key; `furthest` is the one that reaches furthest so far.
struct Sweep<'a> {
    faults: Vec<ManifestFault>,
    furthest: Option<&'a RegionManifest>,
}

impl<'a> Sweep<'a> {
    fn next(&mut self, next: &'a RegionManifest) {
        let (start, end) = (next.region.start_key.as_slice(), next.region.end_key.as_slice());
        if !end.is_empty() && end <= start {
            self.faults.push(ManifestFault::EmptyRange { region: next.encoded });
            return;
        }
        let Some(furthest) = self.furthest else {
            if !start.is_empty() {
                self.hole(None, Some(next), b"", start);
            }
            self.furthest = Some(next);
            return;
        };
        let reached = furthest.region.end_key.as_slice();
        if reached.is_empty() || start < reached {
            self.faults.push(ManifestFault::Overlap {
                left: furthest.encoded,
                right: next.encoded,
                from: start.to_vec(),
                to: nearer_end(reached, end).to_vec(),
            });
        } else if reached < start {
            self.hole(Some(furthest), Some(next), reached, start);
        }
        if nearer_end(reached, end) == reached && reached != end {
            self.furthest = Some(next);
        }
    }

    fn close(mut self) -> Vec<ManifestFault> {
        match self.furthest {
            Some(last) if !last.region.end_key.is_empty() => {
                self.hole(Some(last), None, &last.region.end_key, b"")
            }
            Some(_) => {}
            None => self.hole(None, None, b"", b""),
        }
        self.faults
    }

    fn hole(
        &mut self,
        left: Option<&RegionManifest>,
        right: Option<&RegionManifest>,
        from: &[u8],
        to: &[u8],
    ) {
        let name = |region: Option<&RegionManifest>| -> Option<EncodedRegionName> {
            region.map(|region| region.encoded)
        };
        self.faults.push(ManifestFault::Hole {
            left: name(left),
            right: name(right),
            from: from.to_vec(),
            to: to.to_vec(),
        });
    }
}

/// The nearer of two end keys; an empty one is the end of the table.
fn nearer_end<'a>(a: &'a [u8], b: &'a [u8]) -> &'a [u8] {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b,
        (_, true) => a,
        _ => a.min(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::RegionInfo;
    use names::TableName;
    use proptest::prelude::*;

    fn region(start: &[u8], end: &[u8]) -> RegionManifest {
        let table = TableName::parse("t").unwrap();
        let region = RegionInfo {
            table,
            start_key: start.to_vec(),
            end_key: end.to_vec(),
            region_id: 1,
            offline: false,
            split: false,
            replica_id: 0,
        };
        RegionManifest::new(region, Vec::new())
    }

    fn shown(regions: &[RegionManifest]) -> Vec<String> {
        let span = |from: &[u8], to: &[u8]| format!("{}..{}", from.escape_ascii(), to.escape_ascii());
        let show = |fault: ManifestFault| match fault {
            ManifestFault::Hole { from, to, .. } => format!("hole {}", span(&from, &to)),
            ManifestFault::Overlap { from, to, .. } => format!("overlap {}", span(&from, &to)),
            other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_owned(),
        };
        check_tiling(regions).into_iter().map(show).collect()
    }

    #[test]
    fn holes_and_overlaps_are_found_at_the_borders_too() {
        assert_eq!(shown(&[region(b"m", b""), region(b"", b"m")]), Vec::<String>::new());
        assert_eq!(shown(&[]), ["NoRegions"]);
        assert_eq!(shown(&[region(b"b", b"d")]), ["hole ..b", "hole d.."]);
        assert_eq!(shown(&[region(b"", b"c"), region(b"d", b"")]), ["hole c..d"]);
        assert_eq!(shown(&[region(b"", b"d"), region(b"c", b"")]), ["overlap c..d"]);
        assert_eq!(
            shown(&[region(b"", b""), region(b"c", b"d"), region(b"e", b"")]),
            ["overlap c..d", "overlap e.."]
        );
        assert_eq!(shown(&[region(b"", b"c"), region(b"c", b"c"), region(b"c", b"")]), ["EmptyRange"]);
        assert_eq!(shown(&[region(b"c", b"a")]), ["EmptyRange", "hole .."]);
    }

    #[test]
    fn parents_replicas_and_the_mob_region_are_no_tiles() {
        let mut parent = region(b"", b"");
        (parent.region.offline, parent.region.split) = (true, true);
        let mut replica = region(b"", b"m");
        replica.region.replica_id = 1;
        let mut mob = region(b".mob", b"");
        mob.region.region_id = 0;
        let tiles = [parent, replica, mob, region(b"", b"m"), region(b"m", b"")];
        assert_eq!(shown(&tiles), Vec::<String>::new());
        let mut offline = region(b"", b"");
        offline.region.offline = true;
        assert_eq!(offline.role(), RegionRole::Rows, "offline alone is a region of a disabled table");
    }

    proptest! {
        // Keys are single letters a..j, so the key space is ten points (and the empty key is before them all): count
        // how many regions hold each.
        #[test]
        fn a_fault_is_found_exactly_where_counting_finds_one(ranges in proptest::collection::vec((0u8..10, 0u8..11), 1..7)) {
            let key = |n: u8| if n == 0 || n == 10 { Vec::new() } else { vec![b'a' + n] };
            let ranges: Vec<_> = ranges.into_iter().filter(|(from, to)| from < to).collect();
            prop_assume!(!ranges.is_empty());
            let regions: Vec<_> = ranges.iter().map(|(from, to)| region(&key(*from), &key(*to))).collect();
            let holders = |point: u8| ranges.iter().filter(|(from, to)| (*from..*to).contains(&point)).count();
            let faults = check_tiling(&regions);
            let covers = |from: &[u8], to: &[u8], point: u8| {
                let point = key(point);
                from <= point.as_slice() && (to.is_empty() || point.as_slice() < to)
            };
            for point in 0..10 {
                let in_hole = faults.iter().any(|fault| matches!(fault, ManifestFault::Hole { from, to, .. } if covers(from, to, point)));
                let in_two = faults.iter().any(|fault| matches!(fault, ManifestFault::Overlap { from, to, .. } if covers(from, to, point)));
                prop_assert_eq!(in_hole, holders(point) == 0, "point {} of {:?}: {:?}", point, ranges, faults);
                prop_assert_eq!(in_two, holders(point) > 1, "point {} of {:?}: {:?}", point, ranges, faults);
            }
        }
    }
}
