//! A plan as a document: whoever reads it does the same work under the same name.

use crate::{Aim, DeliveryPlan, Wording};
use catalog::{CatalogError, ImageCut, decode_document, encode_document};
use names::{
    EncodedRegionName, FamilyName, FileName, NameError, Place, SnapshotName, StoreDirectory, TableName,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stage::{Failure, Problems};
use steps::copy::{FoundFile, ListedFile, ListedFiles};
use steps::hfile::Level;
use store::{Attributes, Identity};

const READING: &str = "reading the plan";

/// A [`DeliveryPlan`] with its version. Nothing in it is taken for a name before its grammar was held against it.
#[derive(Serialize, Deserialize)]
pub struct PlanDocument {
    version: u32,
    digest: String,
    doing: String,
    other_name: String,
    from: String,
    snapshot: String,
    target: String,
    table: String,
    created_ms: i64,
    cluster: Option<String>,
    in_place: bool,
    level: Level,
    #[serde(with = "AttributesDocument")]
    attributes: Attributes,
    range_len: u64,
    cut: Option<ImageCut>,
    accepted: Problems,
    #[serde(with = "hexadecimal")]
    description: Vec<u8>,
    #[serde(with = "hexadecimal")]
    manifest: Vec<u8>,
    directories: Vec<DirectoryDocument>,
    files: Vec<FileDocument>,
}

/// What any version of the document has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct DirectoryDocument {
    table: String,
    region: String,
    family: String,
}

/// A file as the manifest lists it, and as it was found.
#[derive(Serialize, Deserialize)]
struct FileDocument {
    directory: u32,
    name: String,
    listed_len: Option<u64>,
    #[serde(with = "PlaceDocument")]
    place: Place,
    len: u64,
    identity: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Attributes")]
struct AttributesDocument {
    owner: Option<String>,
    group: Option<String>,
    mode: Option<u32>,
    replication: Option<u16>,
    storage_policy: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Place", rename_all = "lowercase")]
enum PlaceDocument {
    Live,
    Archive,
    Temporary,
    Mob,
}

impl PlanDocument {
    /// The layout that this version writes, and the only one that it reads.
    pub const VERSION: u32 = 1;

    /// A plan as JSON with a checksum.
    pub fn encode(plan: &DeliveryPlan) -> Result<Vec<u8>, CatalogError> {
        encode_document(&Self::of(plan))
    }

    /// The plan in a document; `path` is for messages.
    ///
    /// # Errors
    /// It is damaged, of another version, or has names that HBase would not give.
    pub fn decode(path: &str, bytes: &[u8]) -> Result<DeliveryPlan, Failure> {
        let unreadable = |error: CatalogError| error.failed(READING);
        let Versioned { version } = decode_document(path, bytes).map_err(unreadable)?;
        if version != Self::VERSION {
            let wrong =
                format!("the plan has version {version}, this Tidegate reads version {}", Self::VERSION);
            return Err(Failure::refused(READING, path, wrong)
                .hint("work on it with the Tidegate that made it, or make the plan again"));
        }
        let document: Self = decode_document(path, bytes).map_err(unreadable)?;
        document.plan().map_err(|wrong| Failure::failed(READING, path, wrong))
    }

    fn of(plan: &DeliveryPlan) -> Self {
        let Aim { from, level, attributes, range_len } = plan.aim.clone();
        let directory = |directory: &StoreDirectory| DirectoryDocument {
            table: directory.table.full_form().to_owned(),
            region: directory.region.to_string(),
            family: directory.family.to_string(),
        };
        let file = |(listed, found): (&ListedFile, &FoundFile)| FileDocument {
            directory: listed.directory,
            name: listed.name.to_string(),
            listed_len: listed.len,
            place: found.place,
            len: found.len,
            identity: found.identity.0.clone(),
        };
        Self {
            version: Self::VERSION,
            digest: plan.digest.clone(),
            doing: plan.wording.doing.to_string(),
            other_name: plan.wording.other_name.to_string(),
            from,
            snapshot: plan.snapshot.to_string(),
            target: plan.target.to_string(),
            table: plan.table.clone(),
            created_ms: plan.created_ms,
            cluster: plan.cluster.clone(),
            in_place: plan.in_place,
            level,
            attributes,
            range_len,
            cut: plan.cut.clone(),
            accepted: plan.accepted.clone(),
            description: plan.description.clone(),
            manifest: plan.manifest.clone(),
            directories: plan.listed.directories.iter().map(directory).collect(),
            files: plan.listed.files.iter().zip(&plan.found).map(file).collect(),
        }
    }

    /// The plan; what cannot be one is said.
    fn plan(self) -> Result<DeliveryPlan, String> {
        let said = |error: NameError| error.to_string();
        if !self.range_len.is_power_of_two() {
            return Err(format!("ranges of {} bytes: no power of two", self.range_len));
        }
        let directories: Vec<_> = self
            .directories
            .iter()
            .map(DirectoryDocument::directory)
            .collect::<Result<_, _>>()
            .map_err(said)?;
        let mut files = Vec::with_capacity(self.files.len());
        for file in &self.files {
            if file.directory as usize >= directories.len() {
                return Err(format!("file {} lies in no directory of the plan", file.name));
            }
            let name = FileName::parse(&file.name).map_err(said)?;
            files.push(ListedFile { directory: file.directory, name, len: file.listed_len });
        }
        let found = |file: FileDocument| FoundFile {
            place: file.place,
            len: file.len,
            identity: Identity(file.identity),
        };
        let Self { from, level, attributes, range_len, .. } = self;
        Ok(DeliveryPlan {
            wording: Wording { doing: self.doing.into(), other_name: self.other_name.into() },
            snapshot: SnapshotName::parse(&self.snapshot).map_err(said)?,
            target: SnapshotName::parse(&self.target).map_err(said)?,
            table: self.table,
            created_ms: self.created_ms,
            cluster: self.cluster,
            description: self.description,
            manifest: self.manifest,
            in_place: self.in_place,
            listed: ListedFiles { directories, files },
            found: self.files.into_iter().map(found).collect(),
            aim: Aim { from, level, attributes, range_len },
            accepted: self.accepted,
            cut: self.cut,
            digest: self.digest,
        })
    }
}

impl DirectoryDocument {
    fn directory(&self) -> Result<StoreDirectory, NameError> {
        Ok(StoreDirectory {
            table: TableName::parse(&self.table)?,
            region: EncodedRegionName::parse(&self.region)?,
            family: FamilyName::parse(&self.family)?,
        })
    }
}

/// Bytes as hexadecimal digits.
mod hexadecimal {
    use super::{Deserialize, Deserializer, Serializer};
    use serde::de::Error as _;
    use std::fmt::Write;

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            let _ = write!(digits, "{byte:02x}");
        }
        serializer.serialize_str(&digits)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2);
            let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            byte.ok_or_else(|| D::Error::custom("bytes that are no hexadecimal digits"))
        };
        digits.as_bytes().chunks(2).map(byte).collect()
    }
}
