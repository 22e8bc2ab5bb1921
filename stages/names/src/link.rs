use super::{EncodedRegionName, FileName, TableName, check_length, refused};
use crate::NameError;
use std::fmt;

/// An HFileLink: an empty file whose name says which file of which region of which table it stands for (`io.HFileLink`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HFileLink {
    /// The table that owns the file.
    pub table: TableName,
    /// The region that owns it.
    pub region: EncodedRegionName,
    /// The file.
    pub file: FileName,
}

impl HFileLink {
    /// Reads `<table>=<region>-<hfile>` or `<ns>=<table>=<region>-<hfile>`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let what = "an HFileLink name";
        check_length(what, text)?;
        let parts = text.rsplit_once('=').and_then(|(table, rest)| Some((table, rest.split_once('-')?)));
        let Some((table, (region, file))) = parts else {
            return Err(refused(what, text, "not of the form [<namespace>=]<table>=<region>-<file>"));
        };
        let table = TableName::parse_link_form(table).map_err(|error| refused(what, text, error.what))?;
        let region = EncodedRegionName::parse(region).map_err(|error| refused(what, text, error.what))?;
        let file = FileName::parse(file).map_err(|error| refused(what, text, error.what))?;
        Ok(Self { table, region, file })
    }
}

impl fmt::Display for HFileLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}-{}", self.table.link_form(), self.region, self.file)
    }
}

/// What a Reference refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Referred {
    File(FileName),
    Link(Box<HFileLink>),
}

/// The name of a Reference: half (or, after a merge, the whole) of a parent region's file, `<hfile>.<parent>` or
/// `<link>.<parent>` (`StoreFileInfo.REF_NAME_PATTERN`). HBase makes no References to MOB files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReferenceName {
    referred: Referred,
    parent: EncodedRegionName,
}

impl ReferenceName {
    /// Part of the file that a link of the parent region leads to.
    pub fn to_link(link: HFileLink, parent: EncodedRegionName) -> Self {
        Self { referred: Referred::Link(Box::new(link)), parent }
    }

    /// Reads `<hfile or link>.<encoded parent region>`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let what = "a Reference name";
        check_length(what, text)?;
        let Some((file, parent)) = text.rsplit_once('.') else {
            return Err(refused(what, text, "not of the form <file>.<parent region>"));
        };
        let parent = EncodedRegionName::parse(parent).map_err(|error| refused(what, text, error.what))?;
        let referred = if file.contains('=') {
            HFileLink::parse(file).map(|link| Referred::Link(Box::new(link)))
        } else {
            FileName::parse(file).map(Referred::File)
        };
        let referred = referred.map_err(|error| refused(what, text, error.what))?;
        if matches!(&referred, Referred::File(FileName::Mob(_))) {
            return Err(refused(what, text, "HBase makes no Reference to a MOB file"));
        }
        Ok(Self { referred, parent })
    }

    /// The link of the parent region that it refers to, if it does.
    pub fn link(&self) -> Option<&HFileLink> {
        match &self.referred {
            Referred::File(_) => None,
            Referred::Link(link) => Some(link),
        }
    }

    /// The file that is referred to, through the link if there is one.
    pub fn file(&self) -> &FileName {
        match &self.referred {
            Referred::File(file) => file,
            Referred::Link(link) => &link.file,
        }
    }

    /// The parent region whose file (or link) is referred to.
    pub fn parent(&self) -> &EncodedRegionName {
        &self.parent
    }
}

impl fmt::Display for ReferenceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.referred {
            Referred::File(file) => write!(f, "{file}.{}", self.parent),
            Referred::Link(link) => write!(f, "{link}.{}", self.parent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "1a7d398bb05f785cd819c86760542558";
    const FILE: &str = "ef816aeefabe4d57984a4f9ef6560b79";
    const MOB: &str = "6f8f57715090da2632453988d9a1501b202611203c72ce2cecdb4dd8802b4febfdac9863_a52b92d17fe1f247252a26449b096ae9";

    #[test]
    fn a_link_says_table_region_and_file() {
        let link = HFileLink::parse(&format!("ns1=t-2.x={REGION}-{FILE}_SeqId_7_")).unwrap();
        assert_eq!((link.table.to_string().as_str(), link.region.as_str()), ("ns1:t-2.x", REGION));
        assert_eq!(link.file.bulk_sequence_id(), Some(7));
        assert_eq!(link.to_string(), format!("ns1=t-2.x={REGION}-{FILE}_SeqId_7_"));
        let mob = HFileLink::parse(&format!("t={REGION}-{MOB}")).unwrap();
        assert!(matches!(mob.file, FileName::Mob(_)));
    }

    #[test]
    fn a_reference_may_be_to_a_link() {
        let name = format!("t1={REGION}-{FILE}.dda19dbc54ee008ecb6569e7596eb12f");
        let reference = ReferenceName::parse(&name).unwrap();
        assert_eq!(reference.link().unwrap().region.as_str(), REGION);
        assert_eq!(reference.parent().as_str(), "dda19dbc54ee008ecb6569e7596eb12f");
        assert_eq!(reference.file().as_str(), FILE);
        assert_eq!(reference.to_string(), name);
        assert!(ReferenceName::parse(&format!("{FILE}.{REGION}")).unwrap().link().is_none());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for table in ["..", "a/b", "ns=..", "../x=t", "default=t", "a=b=c", ""] {
            assert!(HFileLink::parse(&format!("{table}={REGION}-{FILE}")).is_err(), "{table:?}");
        }
        assert!(HFileLink::parse(&format!("t=..-{FILE}")).is_err());
        assert!(HFileLink::parse(&format!("t={REGION}-../../{FILE}")).is_err());
        let twice = format!("ns=t={REGION}-ns=t={REGION}-{FILE}");
        assert!(HFileLink::parse(&twice).is_err(), "one hop, not two");
        assert!(ReferenceName::parse(&format!("{FILE}.{REGION}.{REGION}")).is_err());
        assert!(ReferenceName::parse(&format!("{FILE}...")).is_err());
        assert!(ReferenceName::parse(&format!("{MOB}.{REGION}")).is_err());
        let error = ReferenceName::parse(&format!("../x.{REGION}")).unwrap_err();
        assert!(error.what.contains("Reference name") && error.what.contains("hexadecimal"), "{error}");
    }
}
