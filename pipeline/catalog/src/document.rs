use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use stage::Failure;
use std::fmt;
use store::{Kind, Store, StoreError, StoreErrorKind, StorePath};

/// Why a document of the catalog could not be read or written.
#[derive(Debug)]
pub enum CatalogError {
    /// The store refused.
    Store(StoreError),
    /// The document is there but is not what it should be.
    Damaged {
        /// Which document.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// There are batches of the first format, whose edits are not sorted.
    OldBatches {
        /// Their directory.
        path: String,
    },
}

const OLD_BATCHES: &str = "its batches are of format 1; this version reads and writes format 2";

impl CatalogError {
    pub(crate) fn damaged(path: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Damaged { path: path.to_string(), what: what.to_string() }
    }
}

impl CatalogError {
    /// The failure of a run that needed the document.
    pub fn failed(&self, doing: &str) -> Failure {
        match self {
            // Not a failure of the store.
            Self::Store(error) if error.kind == StoreErrorKind::Interrupted => Failure::interrupted(),
            Self::Store(error) => {
                let failure = Failure::failed(doing, &error.path, &error.what);
                match error.kind.hint() {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
            Self::OldBatches { path } => Failure::refused(doing, path, OLD_BATCHES).hint(
                "move .tidegate/batches out of the repository and run convert again while HBase still has the WALs \
                 (oldWALs, hbase.master.logcleaner.ttl); where it has not, restore with the version that wrote them",
            ),
            Self::Damaged { path, what } => Failure::failed(doing, path, what).hint(
                "the document is damaged or foreign: bring it back from a copy, or choose another target",
            ),
        }
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Damaged { path, what } => write!(f, "{path}: {what}"),
            Self::OldBatches { path } => write!(f, "{path}: {OLD_BATCHES}"),
        }
    }
}

impl std::error::Error for CatalogError {}

impl From<StoreError> for CatalogError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The field that holds the document's own checksum.
const CHECKSUM: &str = "checksum";

/// A document as readable JSON with a `checksum` field: BLAKE3, in hexadecimal, of the same document as compact JSON
/// with its keys sorted and without that field.
pub fn encode_document<T: Serialize>(document: &T) -> Result<Vec<u8>, CatalogError> {
    let unencodable = |error: serde_json::Error| CatalogError::damaged("document", error);
    let mut value = serde_json::to_value(document).map_err(unencodable)?;
    let sum = checksum_of(&value);
    match &mut value {
        Value::Object(fields) => fields.insert(CHECKSUM.into(), Value::String(sum)),
        _ => return Err(CatalogError::damaged("document", "is not a JSON object")),
    };
    let mut bytes = serde_json::to_vec_pretty(&value).map_err(unencodable)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Decodes a document whose checksum agrees. `path` is for the message.
pub fn decode_document<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T, CatalogError> {
    let damaged = |what: &dyn fmt::Display| CatalogError::damaged(path, what);
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
    let said = match &mut value {
        Value::Object(fields) => fields.remove(CHECKSUM),
        _ => None,
    };
    if said.as_ref().and_then(Value::as_str) != Some(checksum_of(&value).as_str()) {
        return Err(damaged(&"its checksum does not agree with its content"));
    }
    serde_json::from_value(value).map_err(|error| damaged(&error))
}

fn checksum_of(value: &Value) -> String {
    blake3::hash(value.to_string().as_bytes()).to_hex().to_string()
}

/// Names of the directories in a directory; empty if that does not exist.
pub(crate) fn directories(store: &dyn Store, dir: &StorePath) -> Result<Vec<String>, CatalogError> {
    let entries = store::list_there(store, dir)?.unwrap_or_default().into_iter();
    Ok(entries.filter(|entry| entry.metadata.kind == Kind::Directory).map(|entry| entry.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_changed_document_is_refused() {
        let document = BTreeMap::from([("name", "s1"), ("table", "t")]);
        let bytes = encode_document(&document).unwrap();
        let back: BTreeMap<String, String> = decode_document("image.json", &bytes).unwrap();
        assert_eq!(back["name"], "s1");

        let changed = String::from_utf8(bytes).unwrap().replace("\"s1\"", "\"s2\"");
        let error =
            decode_document::<BTreeMap<String, String>>("image.json", changed.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
        assert!(decode_document::<BTreeMap<String, String>>("image.json", b"[1]").is_err());
    }
}
