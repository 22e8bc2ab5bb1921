use names::{EncodedRegionName, TableName};
use std::fmt;

/// Something wrong with a snapshot whose manifest can be read. HBase does not check for it and clones the snapshot into
/// a broken table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestFault {
    /// There is no region that holds rows; HBase fails to clone such a snapshot.
    NoRegions,
    /// Rows from `from` to `to` (empty: the end) are in no region.
    Hole {
        /// The region before the hole; `None` at the start of the table.
        left: Option<EncodedRegionName>,
        /// The region after it; `None` at the end.
        right: Option<EncodedRegionName>,
        /// The first row of the hole.
        from: Vec<u8>,
        /// The first row after it; empty is the end of the table.
        to: Vec<u8>,
    },
    /// Rows from `from` to `to` (empty: the end) are in two regions.
    Overlap {
        /// The region that starts first.
        left: EncodedRegionName,
        /// The other.
        right: EncodedRegionName,
        /// The first row in both.
        from: Vec<u8>,
        /// The first row that is not; empty is the end of the table.
        to: Vec<u8>,
    },
    /// A region ends where it starts, or before.
    EmptyRange {
        /// The region.
        region: EncodedRegionName,
    },
    /// A region is listed twice.
    RegionTwice {
        /// The region.
        region: EncodedRegionName,
    },
    /// A region is of another table than the snapshot: HBase looks for its files in the wrong place.
    OtherTable {
        /// The region.
        region: EncodedRegionName,
        /// Its table.
        table: TableName,
    },
    /// The schema is of another table than the snapshot.
    OtherSchema {
        /// The table of the description.
        described: TableName,
        /// The table of the schema.
        schema: TableName,
    },
}

impl ManifestFault {
    /// The region it is about, or the first of two.
    pub fn region(&self) -> Option<&EncodedRegionName> {
        match self {
            Self::NoRegions | Self::OtherSchema { .. } => None,
            Self::Hole { left, right, .. } => left.as_ref().or(right.as_ref()),
            Self::Overlap { left: region, .. }
            | Self::EmptyRange { region }
            | Self::RegionTwice { region }
            | Self::OtherTable { region, .. } => Some(region),
        }
    }

    /// Whether it is about how the regions tile the key space.
    pub fn is_tiling(&self) -> bool {
        matches!(self, Self::NoRegions | Self::Hole { .. } | Self::Overlap { .. } | Self::EmptyRange { .. })
    }
}

impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |from: &[u8], to: &[u8]| {
            let end = if to.is_empty() { "the end".to_owned() } else { format!("\"{}\"", to.escape_ascii()) };
            format!("rows from \"{}\" to {end}", from.escape_ascii())
        };
        match self {
            Self::NoRegions => f.write_str("the snapshot has no region that holds rows"),
            Self::Hole { left, right, from, to } => {
                let name = |region: &Option<EncodedRegionName>, border: &str| {
                    region.as_ref().map_or(border.to_owned(), |region| format!("region {region}"))
                };
                let (left, right) = (name(left, "the start"), name(right, "the end"));
                write!(f, "{} are in no region: a hole between {left} and {right}", rows(from, to))
            }
            Self::Overlap { left, right, from, to } => {
                write!(f, "{} are in two regions: {left} and {right} overlap", rows(from, to))
            }
            Self::EmptyRange { region } => write!(f, "region {region} ends where it starts, or before"),
            Self::RegionTwice { region } => write!(f, "region {region} is listed twice"),
            Self::OtherTable { region, table } => write!(f, "region {region} is of another table, {table}"),
            Self::OtherSchema { described, schema } => {
                write!(f, "the schema is of table {schema}, the snapshot of table {described}")
            }
        }
    }
}
