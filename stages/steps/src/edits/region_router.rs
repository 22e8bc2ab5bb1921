//! Says which region of a restored table a row belongs to.

use formats::snapshot::{RegionManifest, RegionRole};
use names::EncodedRegionName;

/// The regions of a snapshot that hold rows, by their start keys: where edits go, whatever region they were written
/// to. Regions that overlap each other (a snapshot that HBase itself would not make) are reported by
/// [`formats::snapshot::check_tiling`], not here.
#[derive(Debug, Clone, Default)]
pub struct RegionRouter {
    regions: Vec<Range>,
}

#[derive(Debug, Clone)]
struct Range {
    start: Vec<u8>,
    /// Empty: to the end of the table.
    end: Vec<u8>,
    name: EncodedRegionName,
}

impl Range {
    fn holds(&self, row: &[u8]) -> bool {
        self.start.as_slice() <= row && (self.end.is_empty() || row < self.end.as_slice())
    }
}

impl RegionRouter {
    /// Takes a snapshot's regions; split parents, replicas and the MOB region hold no rows.
    #[must_use]
    pub fn new(regions: &[RegionManifest]) -> Self {
        let holding = regions.iter().filter(|region| region.role() == RegionRole::Rows);
        let range = |region: &RegionManifest| Range {
            start: region.region.start_key.clone(),
            end: region.region.end_key.clone(),
            name: region.encoded,
        };
        let mut regions: Vec<Range> = holding.map(range).collect();
        regions.sort_by(|one, other| one.start.cmp(&other.start));
        Self { regions }
    }

    /// How many regions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.regions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// The name of the region of this number, in the order of start keys.
    #[must_use]
    pub fn name(&self, number: usize) -> Option<&EncodedRegionName> {
        self.regions.get(number).map(|region| &region.name)
    }

    /// The number of the region that a row belongs to; `None` if no region covers it.
    #[inline]
    #[must_use]
    pub fn route(&self, row: &[u8]) -> Option<usize> {
        let number = self.regions.partition_point(|region| region.start.as_slice() <= row).checked_sub(1)?;
        self.regions.get(number)?.holds(row).then_some(number)
    }

    /// The same, looking first where the row before went.
    #[inline]
    #[must_use]
    pub fn route_near(&self, row: &[u8], last: usize) -> Option<usize> {
        match self.regions.get(last).is_some_and(|region| region.holds(row)) {
            true => Some(last),
            false => self.route(row),
        }
    }

    /// The regions that share rows with a range of keys (an empty end: to the end of the table), which are next to each
    /// other: those that a source region of this range can have edits for.
    #[must_use]
    pub fn touched(&self, start: &[u8], end: &[u8]) -> std::ops::Range<usize> {
        let first =
            self.regions.partition_point(|region| !region.end.is_empty() && region.end.as_slice() <= start);
        let behind = match end.is_empty() {
            true => self.regions.len(),
            false => self.regions.partition_point(|region| region.start.as_slice() < end),
        };
        first..behind.max(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::schema::RegionInfo;
    use names::TableName;

    fn region(start: &str, end: &str) -> RegionManifest {
        let region = RegionInfo {
            table: TableName::parse("t").unwrap(),
            start_key: start.into(),
            end_key: end.into(),
            region_id: 1,
            offline: false,
            split: false,
            replica_id: 0,
        };
        RegionManifest::new(region, Vec::new())
    }

    #[test]
    fn a_row_goes_where_it_is_covered_or_nowhere() {
        let mut parent = region("", "");
        (parent.region.offline, parent.region.split) = (true, true);
        let router = RegionRouter::new(&[region("t", ""), parent, region("", "g"), region("g", "p")]);
        let route = |row: &str| router.route(row.as_bytes());
        assert_eq!([route(""), route("f"), route("g"), route("oz")], [Some(0), Some(0), Some(1), Some(1)]);
        assert_eq!([route("p"), route("s"), route("t"), route("z")], [None, None, Some(2), Some(2)]);
        for row in ["", "f", "g", "oz", "p", "s", "t", "z"] {
            for last in 0..4 {
                assert_eq!(router.route_near(row.as_bytes(), last), route(row), "{row} near {last}");
            }
        }
    }

    #[test]
    fn a_source_region_touches_those_it_shares_rows_with() {
        let router = RegionRouter::new(&[region("", "g"), region("g", "p"), region("p", "")]);
        let touched = |start: &str, end: &str| router.touched(start.as_bytes(), end.as_bytes());
        assert_eq!([touched("", ""), touched("", "g"), touched("g", "p")], [0..3, 0..1, 1..2]);
        assert_eq!([touched("a", "h"), touched("p", ""), touched("x", "")], [0..2, 2..3, 2..3]);
        assert!(RegionRouter::new(&[region("b", "c")]).touched(b"d", b"").is_empty());
        assert_eq!(router.name(1), Some(&region("g", "p").encoded));
    }
}
