use super::proto;
use crate::wire::{decode_message, required};
use crate::{FormatError, Unsupported};
use names::StoreFileName;

/// HBase refuses larger ones.
const MAX_LENGTH: u32 = 16 * 1024 * 1024;
/// The only version there is.
const VERSION: u64 = 1;

/// Which files of a store count, as the FILE store file tracker keeps it in `.filelist/`
/// (`storefiletracker.StoreFileListFile`): a listing of the family's directory would be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFileList {
    /// When it was written, ms since the epoch; always larger than that of the list before.
    pub timestamp: u64,
    /// The files.
    pub files: Vec<StoreFileEntry>,
}

/// One file of a [`StoreFileList`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFileEntry {
    /// Its name.
    pub name: StoreFileName,
    /// Its length in bytes.
    pub size: u64,
}

/// Decodes a track file: `[4 bytes length][StoreFileList][4 bytes CRC32]`. One that was cut short is
/// [`Truncated`](crate::FormatErrorKind::Truncated); HBase then takes the other one of the pair.
pub fn decode_store_file_list(bytes: &[u8]) -> Result<StoreFileList, FormatError> {
    let cut = || FormatError::truncated("a store file list ends too early").at(bytes.len() as u64);
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = u32::from_be_bytes(*length);
    if length == 0 || length > MAX_LENGTH {
        let what = format!("a store file list says {length} bytes, not 1 to {MAX_LENGTH}");
        return Err(FormatError::too_large(what).at(0));
    }
    let (message, rest) =
        usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length)).ok_or_else(cut)?;
    let (checksum, _) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let computed = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, message);
    if computed != u64::from(u32::from_be_bytes(*checksum)) {
        return Err(
            FormatError::checksum("the checksum of a store file list differs").at(4 + u64::from(length))
        );
    }
    from_proto(decode_message(message, 4, "StoreFileList")?).map_err(|error| error.at(4))
}

fn from_proto(message: proto::StoreFileList) -> Result<StoreFileList, FormatError> {
    let version = message.version.unwrap_or(VERSION);
    if version > VERSION {
        let what = format!("StoreFileList has version {version}; this reads up to {VERSION}");
        return Err(FormatError::unsupported(Unsupported::Other, what));
    }
    let entry = |entry: proto::StoreFileEntry| {
        let name = StoreFileName::parse(&required(entry.name, "StoreFileEntry: the name", 4)?)?;
        let size = required(entry.size, "StoreFileEntry: the size", 4)?;
        if i64::try_from(size).is_err() {
            return Err(FormatError::corrupt(format!(
                "StoreFileEntry: {name} has the negative size {}",
                size as i64
            )));
        }
        Ok(StoreFileEntry { name, size })
    };
    Ok(StoreFileList {
        timestamp: required(message.timestamp, "StoreFileList: the timestamp", 4)?,
        files: message.store_file.into_iter().map(entry).collect::<Result<_, _>>()?,
    })
}

/// The name of a track file, `f1.<n>` or `f2.<n>`; without `.<n>` up to HBase 2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrackFileName {
    /// The generation: only the files of the highest count.
    pub generation: Option<u64>,
    /// 1 or 2: of the two, the list with the larger timestamp counts.
    pub slot: u8,
}

impl TrackFileName {
    /// Parses the name; `None` if it is another file's, which HBase skips.
    pub fn parse(text: &str) -> Option<Self> {
        let (slot, generation) = text.split_once('.').map_or((text, None), |(slot, rest)| (slot, Some(rest)));
        let slot = match slot {
            "f1" => 1,
            "f2" => 2,
            _ => return None,
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
        match generation {
            None => Some(Self { generation: None, slot }),
            Some(text) => Some(Self { generation: Some(digits(text)??), slot }),
        }
    }
}

/// The list that counts, as HBase chooses it: of the highest generation with a whole list, the one with the larger
/// timestamp, the first slot if they are equal. A list that was cut short is skipped; any other fault of a
/// generation that is looked at is an error. `None` if there is no list.
pub fn newest_store_file_list(
    mut decoded: Vec<(TrackFileName, Result<StoreFileList, FormatError>)>,
) -> Result<Option<StoreFileList>, FormatError> {
    decoded.sort_by_key(|(name, _)| (std::cmp::Reverse(name.generation), name.slot));
    let mut best: Option<(Option<u64>, StoreFileList)> = None;
    for (name, list) in decoded {
        if best.as_ref().is_some_and(|(generation, _)| *generation != name.generation) {
            break;
        }
        let list = match list {
            Ok(list) => list,
            Err(error) if error.kind == crate::FormatErrorKind::Truncated => continue,
            Err(error) => return Err(error),
        };
        if best.as_ref().is_none_or(|(_, best)| list.timestamp > best.timestamp) {
            best = Some((name.generation, list));
        }
    }
    Ok(best.map(|(_, list)| list))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(timestamp: u64) -> StoreFileList {
        StoreFileList { timestamp, files: Vec::new() }
    }

    fn named(name: &str) -> TrackFileName {
        TrackFileName::parse(name).unwrap()
    }

    #[test]
    fn the_newest_list_is_chosen_as_hbase_chooses() {
        let cut = || Err(FormatError::truncated("cut"));
        let chosen = |lists| newest_store_file_list(lists).unwrap().map(|list: StoreFileList| list.timestamp);
        assert_eq!(chosen(vec![(named("f1.10"), Ok(list(5))), (named("f2.10"), Ok(list(6)))]), Some(6));
        assert_eq!(chosen(vec![(named("f1.9"), Ok(list(50))), (named("f2.10"), Ok(list(6)))]), Some(6));
        assert_eq!(chosen(vec![(named("f1.10"), cut()), (named("f2.10"), Ok(list(3)))]), Some(3));
        assert_eq!(chosen(vec![(named("f1.10"), cut()), (named("f1.9"), Ok(list(2)))]), Some(2));
        assert_eq!(chosen(vec![(named("f1"), Ok(list(7))), (named("f2"), Ok(list(6)))]), Some(7));
        assert_eq!(chosen(Vec::new()), None);
        let broken = vec![(named("f1.10"), Err(FormatError::checksum("bad"))), (named("f2.10"), Ok(list(1)))];
        assert!(newest_store_file_list(broken).is_err(), "damage is not passed over");
    }

    #[test]
    fn other_names_are_not_track_files() {
        for bad in ["", "f3", "f1.", "f1.x", "f1.+1", "f10", "f1.1.1", "F1"] {
            assert_eq!(TrackFileName::parse(bad), None, "{bad:?}");
        }
    }
}
