use super::{ColumnFamilySchema, TableSchema};
use crate::encoding::DataBlockEncoding;

impl TableSchema {
    /// What the table asks for that HBase 2 does not have, a sentence each. HBase 2 takes such a table's snapshot, and then
    /// tries for ever to open the regions of its clone: an encoding is a constant of `DataBlockEncoding`, and `valueOf` throws.
    pub fn refused_by_hbase_2(&self) -> Vec<String> {
        self.families.iter().filter_map(refused_encoding).collect()
    }
}

fn refused_encoding(family: &ColumnFamilySchema) -> Option<String> {
    let name = family.data_block_encoding().ok()?;
    let is_known = DataBlockEncoding::from_name(name.as_bytes()).is_some();
    (!is_known).then(|| {
        format!(
            "family {}: HBase 2 does not have DATA_BLOCK_ENCODING {name} and never ends a clone of this table. Clone it in \
             HBase 1; or there give the family another encoding, compact it (major), and take a new snapshot",
            family.name
        )
    })
}
