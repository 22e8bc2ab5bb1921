use super::{Attributes, ColumnFamilySchema, TableSchema};
use crate::encoding::DataBlockEncoding;

impl TableSchema {
    /// What the table asks for that HBase 2 does not have, a sentence each. HBase 2 takes such a table's snapshot, and then
    /// tries for ever to open the regions of its clone: an encoding is a constant of `DataBlockEncoding`, and `valueOf` throws.
    /// Or it opens them, and its region server aborts at their first flush: `HFile.getWriterFactory` knows version 3 alone.
    pub fn refused_by_hbase_2(&self) -> Vec<String> {
        let encodings = self.families.iter().filter_map(refused_encoding);
        encodings.chain(self.families.iter().filter_map(|family| self.refused_version(family))).collect()
    }

    fn refused_version(&self, family: &ColumnFamilySchema) -> Option<String> {
        let version = self.file_version(family)?;
        (version != "3").then(|| {
            format!(
                "family {0}: {FORMAT_VERSION} is {version}: HBase 2 clones this table, and its region servers abort at the \
                 first flush of the family. Before it is written to there, alter the clone: \
                 {{NAME => '{0}', CONFIGURATION => {{'{FORMAT_VERSION}' => '3'}}}}",
                family.name
            )
        })
    }

    /// The version of a family's new HFiles, where the cluster's is overridden. Of several places the one counts that HBase
    /// adds last to a store's configuration (`StoreUtils.createStoreConfiguration`).
    fn file_version<'a>(&'a self, family: &'a ColumnFamilySchema) -> Option<&'a str> {
        let attribute = |attributes: &'a Attributes| attributes.text(FORMAT_VERSION).ok().flatten();
        attribute(&family.attributes)
            .or_else(|| family.configuration.get(FORMAT_VERSION))
            .or_else(|| attribute(&self.attributes))
            .or_else(|| self.configuration.get(FORMAT_VERSION))
            .map(str::trim)
    }
}

const FORMAT_VERSION: &str = "hfile.format.version";

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
