use crate::root::{ARCHIVE, DATA, MOB_DIR, OLD_WALS, SPLITTING, TEMPORARY, WALS};
use crate::{EncodedRegionName, FamilyName, ServerName, StoreFileName, TableName};

/// The four places below HBase's root where a store file can lie, in the order in which HBase looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// `data/`: it is live.
    Live,
    /// `archive/data/`: no longer live, kept for snapshots and clones.
    Archive,
    /// `.tmp/data/`: its table is just being made.
    Temporary,
    /// `mobdir/data/`: a live MOB file.
    Mob,
}

impl Place {
    /// In the order in which HBase looks (`HFileLink.setLocations`). If a file is in none of them it may have moved
    /// in the meantime: HBase goes over the list once more.
    pub const IN_ORDER: [Self; 4] = [Self::Live, Self::Archive, Self::Temporary, Self::Mob];

    /// The path segments before `<ns>/<table>/...`.
    pub const fn prefix(self) -> &'static [&'static str] {
        match self {
            Self::Live => &[DATA],
            Self::Archive => &[ARCHIVE, DATA],
            Self::Temporary => &[TEMPORARY, DATA],
            Self::Mob => &[MOB_DIR, DATA],
        }
    }
}

/// Where files of a family of a region lie, below any of the four places.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreDirectory {
    /// The table that owns them.
    pub table: TableName,
    /// The region.
    pub region: EncodedRegionName,
    /// The family.
    pub family: FamilyName,
}

impl StoreDirectory {
    /// The path segments of one of its files at a place, relative to HBase's root.
    pub fn segments<'a>(&'a self, place: Place, file: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        let own = [
            self.table.namespace(),
            self.table.qualifier(),
            self.region.as_str(),
            self.family.as_str(),
            file,
        ];
        place.prefix().iter().copied().chain(own)
    }

    /// The path of one of its files at a place, relative to HBase's root.
    pub fn path(&self, place: Place, file: &str) -> String {
        self.segments(place, file).collect::<Vec<_>>().join("/")
    }

    /// Reads the path of a store file, `[<root>/][archive/|mobdir/|.tmp/]data/<ns>/<table>/<region>/<family>/<file>`:
    /// returns the path of the root, and the directory.
    pub fn of_path(path: &str) -> Option<(&str, Self)> {
        let mut parts = path.rsplitn(7, '/');
        let (_, family, region) = (parts.next()?, parts.next()?, parts.next()?);
        let (table, namespace, data) = (parts.next()?, parts.next()?, parts.next()?);
        let above = parts.next().unwrap_or_default();
        let directory = Self {
            table: TableName::new(namespace, table).ok()?,
            region: EncodedRegionName::parse(region).ok()?,
            family: FamilyName::parse(family).ok()?,
        };
        let (rest, last) = above.rsplit_once('/').unwrap_or(("", above));
        let root = if [ARCHIVE, MOB_DIR, TEMPORARY].contains(&last) { rest } else { above };
        (data == DATA).then_some((root, directory))
    }

    /// Where the cells of a file of this directory lie: a link and a reference lead to another region,
    /// a link also to another table, never to another family (`StoreFileInfo.getReferredToFile`, `HFileLink`).
    #[must_use]
    pub fn leads_to(&self, name: &StoreFileName) -> Self {
        let (table, region) = match name {
            StoreFileName::HFile(_) | StoreFileName::Mob(_) => (&self.table, &self.region),
            StoreFileName::Link(link) => (&link.table, &link.region),
            StoreFileName::Reference(reference) => match reference.link() {
                Some(link) => (&link.table, &link.region),
                None => (&self.table, reference.parent()),
            },
        };
        Self { table: table.clone(), region: *region, family: self.family.clone() }
    }
}

/// Where a WAL's file can lie, as path segments relative to HBase's root, in the order of its life: its server's directory,
/// the same while the WALs are being split, `oldWALs`, and there the server's directory.
pub fn places_of_wal(server: Option<&ServerName>, file: &str) -> Vec<Vec<String>> {
    let file = || file.to_owned();
    let Some(server) = server.map(ToString::to_string) else {
        return vec![vec![OLD_WALS.to_owned(), file()]];
    };
    vec![
        vec![WALS.to_owned(), server.clone(), file()],
        vec![WALS.to_owned(), format!("{server}{SPLITTING}"), file()],
        vec![OLD_WALS.to_owned(), file()],
        vec![OLD_WALS.to_owned(), server, file()],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "1a7d398bb05f785cd819c86760542558";
    const FILE: &str = "ef816aeefabe4d57984a4f9ef6560b79";

    #[test]
    fn the_path_of_a_store_file_is_read_as_it_is_written() {
        let directory = StoreDirectory {
            table: TableName::new("ns", "t").unwrap(),
            region: EncodedRegionName::parse(REGION).unwrap(),
            family: FamilyName::parse("f").unwrap(),
        };
        for place in Place::IN_ORDER {
            let path = directory.path(place, FILE);
            assert!(path.ends_with(&format!("data/ns/t/{REGION}/f/{FILE}")), "{path}");
            assert_eq!(StoreDirectory::of_path(&path), Some(("", directory.clone())), "{path}");
            let below = format!("some/root/{path}");
            assert_eq!(StoreDirectory::of_path(&below), Some(("some/root", directory.clone())), "{below}");
        }
        for bad in ["", FILE, &format!("data/t/{REGION}/f/{FILE}"), &format!("date/ns/t/{REGION}/f/{FILE}")] {
            assert_eq!(StoreDirectory::of_path(bad), None, "{bad}");
        }
    }

    #[test]
    fn links_and_references_lead_to_their_region() {
        let directory = StoreDirectory {
            table: TableName::new("default", "clone").unwrap(),
            region: EncodedRegionName::parse(REGION).unwrap(),
            family: FamilyName::parse("f").unwrap(),
        };
        let parent = "dda19dbc54ee008ecb6569e7596eb12f";
        let leads = |name: &str| {
            let led = directory.leads_to(&StoreFileName::parse(name).unwrap());
            (led.table.to_string(), led.region.to_string())
        };
        let at = |table: &str, region: &str| (table.to_owned(), region.to_owned());
        assert_eq!(leads(FILE), at("clone", REGION));
        assert_eq!(leads(&format!("{FILE}.{parent}")), at("clone", parent));
        assert_eq!(leads(&format!("ns=t={parent}-{FILE}")), at("ns:t", parent));
        assert_eq!(leads(&format!("ns=t={parent}-{FILE}.{REGION}")), at("ns:t", parent));
    }

    #[test]
    fn a_wal_moves_from_its_server_to_the_old_ones() {
        let server = ServerName::parse("h,1,2").unwrap();
        let places: Vec<String> =
            places_of_wal(Some(&server), "w").iter().map(|place| place.join("/")).collect();
        assert_eq!(places, ["WALs/h,1,2/w", "WALs/h,1,2-splitting/w", "oldWALs/w", "oldWALs/h,1,2/w"]);
        assert_eq!(places_of_wal(None, "w"), [["oldWALs", "w"]]);
    }
}
