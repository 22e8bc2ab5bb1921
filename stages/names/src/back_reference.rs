use super::{EncodedRegionName, FileName, TableName, check_length, refused};
use crate::NameError;
use std::fmt;

/// The directory of a file's back-references, `.links-<hfile>`, beside it in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackReferenceDirectory {
    /// The file that is linked to.
    pub file: FileName,
}

impl BackReferenceDirectory {
    /// Reads `.links-<hfile>`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let what = "a back-reference directory";
        check_length(what, text)?;
        let Some(file) = text.strip_prefix(".links-") else {
            return Err(refused(what, text, "it does not start with .links-"));
        };
        let file = FileName::parse(file).map_err(|error| refused(what, text, error.what))?;
        Ok(Self { file })
    }
}

impl fmt::Display for BackReferenceDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ".links-{}", self.file)
    }
}

/// One back-reference: the region and table that hold a link to the file. While it is there and the link too,
/// HBase's cleaner leaves the file alone (`HFileLink.createBackReferenceName`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackReference {
    /// The region that holds the link.
    pub region: EncodedRegionName,
    /// Its table.
    pub table: TableName,
}

impl BackReference {
    /// Reads `<encoded region>.<table>` or `<encoded region>.<ns>=<table>`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let what = "a back-reference";
        check_length(what, text)?;
        let Some((region, table)) = text.split_once('.') else {
            return Err(refused(what, text, "not of the form <region>.<table>"));
        };
        let region = EncodedRegionName::parse(region).map_err(|error| refused(what, text, error.what))?;
        let table = TableName::parse_link_form(table).map_err(|error| refused(what, text, error.what))?;
        Ok(Self { region, table })
    }
}

impl fmt::Display for BackReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.region, self.table.link_form())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_references_are_read_and_written_back() {
        for name in ["83dc28b27e64502f77e3d19c6f626e7c.ta", "83dc28b27e64502f77e3d19c6f626e7c.ns=t.a-b"] {
            assert_eq!(BackReference::parse(name).unwrap().to_string(), name);
        }
        let directory = ".links-43fa7ff2336a483dbd6d7e466866136d";
        assert_eq!(BackReferenceDirectory::parse(directory).unwrap().to_string(), directory);
        for bad in
            ["", "x", "83dc28b27e64502f77e3d19c6f626e7c", "83dc28b27e64502f77e3d19c6f626e7c...", "..ta"]
        {
            assert!(BackReference::parse(bad).is_err(), "{bad:?}");
        }
        assert!(BackReferenceDirectory::parse(".links-../x").is_err());
    }
}
