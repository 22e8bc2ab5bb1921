use super::{Attributes, ColumnFamilySchema, TableSchema};
use crate::encoding::DataBlockEncoding;

impl TableSchema {
    /// What the table asks for that HBase 2 does not have, a sentence each. HBase 2 accepts such a table's snapshot,
    /// and then either tries for ever to open the regions of its clone (an encoding is a constant of
    /// `DataBlockEncoding`, and `valueOf` throws), or opens them, and its region server aborts at their first flush
    /// (`HFile.getWriterFactory` knows only version 3).
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

    /// The version of a family's new HFiles, where the cluster's is overridden. If several places set it, the one that
    /// HBase adds last to a store's configuration counts (`StoreUtils.createStoreConfiguration`).
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
            "family {}: HBase 2 does not have DATA_BLOCK_ENCODING {name} and never finishes a clone of this table. Clone it in \
             HBase 1; or there give the family another encoding, compact it (major), and take a new snapshot",
            family.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Configuration;
    use names::{FamilyName, TableName};

    fn version(text: &str) -> Configuration {
        Configuration(vec![(FORMAT_VERSION.to_owned(), text.to_owned())])
    }

    fn attribute(text: &str) -> Attributes {
        Attributes(vec![(FORMAT_VERSION.into(), text.into())])
    }

    #[test]
    fn a_version_that_hbase_2_does_not_write_is_told_of_the_place_that_counts() {
        let none = Configuration::default;
        let table = |family: Configuration, attributes: Attributes, table: Configuration| TableSchema {
            table: TableName::parse("t").unwrap(),
            attributes: Attributes::default(),
            families: vec![ColumnFamilySchema {
                name: FamilyName::parse("f").unwrap(),
                attributes,
                configuration: family,
            }],
            configuration: table,
        };
        let said = |schema: TableSchema| schema.refused_by_hbase_2();
        let two = said(table(version("2"), Attributes::default(), none()));
        assert_eq!(two.len(), 1);
        assert!(two[0].starts_with("family f: hfile.format.version is 2"), "{two:?}");
        assert!(
            two[0].contains("first flush") && two[0].contains("'hfile.format.version' => '3'"),
            "{two:?}"
        );
        assert_eq!(said(table(none(), Attributes::default(), version("2"))).len(), 1, "the table's counts");
        assert_eq!(said(table(none(), attribute("2"), none())).len(), 1);
        for right in [
            table(none(), Attributes::default(), none()),
            table(version("3"), Attributes::default(), none()),
            table(version(" 3 "), Attributes::default(), version("2")),
            table(version("2"), attribute("3"), none()),
        ] {
            assert_eq!(said(right), Vec::<String>::new());
        }
    }
}
