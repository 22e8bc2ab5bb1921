/// The type of a stored cell. `KeyValue.Type` of hbase-common; its Minimum (0) and Maximum (255) stand only in
/// search keys and index entries, never in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum CellType {
    /// A value.
    Put = 4,
    /// Deletes one version: the cell with exactly this timestamp.
    Delete = 8,
    /// Deletes all columns of the family at exactly this timestamp.
    DeleteFamilyVersion = 10,
    /// Deletes all versions of the column at or before this timestamp.
    DeleteColumn = 12,
    /// Deletes all cells of the row's family at or before this timestamp.
    DeleteFamily = 14,
}

impl CellType {
    /// All types, by ascending code.
    pub const ALL: [Self; 5] =
        [Self::Put, Self::Delete, Self::DeleteFamilyVersion, Self::DeleteColumn, Self::DeleteFamily];

    /// HBase's code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The type with HBase's code, if a stored cell may have it.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            4 => Some(Self::Put),
            8 => Some(Self::Delete),
            10 => Some(Self::DeleteFamilyVersion),
            12 => Some(Self::DeleteColumn),
            14 => Some(Self::DeleteFamily),
            _ => None,
        }
    }

    /// The name that JSON Lines and reports use: HBase's own.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Put => "Put",
            Self::Delete => "Delete",
            Self::DeleteFamilyVersion => "DeleteFamilyVersion",
            Self::DeleteColumn => "DeleteColumn",
            Self::DeleteFamily => "DeleteFamily",
        }
    }

    /// Whether the cell deletes exactly one version. What HBase shows of a column with such a marker depends on when it
    /// flushed: a flush counts the deleted version, and drops what is then one too many.
    #[must_use]
    pub const fn deletes_one_version(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteFamilyVersion)
    }

    /// Whether the cell deletes others.
    #[must_use]
    pub const fn is_delete(self) -> bool {
        !matches!(self, Self::Put)
    }
}

#[cfg(test)]
mod tests {
    use super::CellType;

    #[test]
    fn codes_and_types_agree_both_ways() {
        for cell_type in CellType::ALL {
            assert_eq!(CellType::from_code(cell_type.code()), Some(cell_type));
        }
        let known = (0..=u8::MAX).filter(|code| CellType::from_code(*code).is_some()).count();
        assert_eq!(known, CellType::ALL.len());
    }
}
