use crate::{NameError, number};

/// The name of a file under `recovered.edits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveredEditsName {
    /// `<19 digits>`: edits up to this sequence id, to be replayed. (HBase accepts a negative one, too.)
    Edits(i64),
    /// `<19 digits>-<WAL name>.temp`: edits from this id on, still being written.
    Temporary(u64),
    /// `<n>.seqid` (before 1.0 `<n>_seqid`): an empty file; the region opens above this id.
    SequenceId(u64),
}

impl RecoveredEditsName {
    /// Reads the name, without directories.
    ///
    /// # Errors
    /// It is none of the three.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::of(text).ok_or_else(|| {
            let shown: String = text.chars().take(200).flat_map(char::escape_debug).collect();
            NameError::new(format!("\"{shown}\" is not the name of a file of recovered edits"))
        })
    }

    fn of(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_suffix(".seqid").or_else(|| text.strip_suffix("_seqid")) {
            return number(digits).map(Self::SequenceId);
        }
        if let Some((first, _)) = text.strip_suffix(".temp").and_then(|stem| stem.split_once('-')) {
            return number(first).map(Self::Temporary);
        }
        match text.strip_prefix('-') {
            Some(digits) => number(digits).map(|id| Self::Edits(-(id.cast_signed()))),
            None => number(text).map(|id| Self::Edits(id.cast_signed())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovered_edits_are_digits_alone() {
        use RecoveredEditsName::{Edits, SequenceId, Temporary};
        let known = [
            ("0000000000000000025", Edits(25)),
            ("-0000000000000000025", Edits(-25)),
            ("131.seqid", SequenceId(131)),
            ("0000000000000000026-localhost%2C41593%2C1795214723091.1795214727936.temp", Temporary(26)),
        ];
        for (text, name) in known {
            assert_eq!(RecoveredEditsName::parse(text).unwrap(), name, "{text}");
        }
        for bad in ["", "-", "x", "1.", "25x", ".seqid", "+25", "99999999999999999999", "../25"] {
            assert!(RecoveredEditsName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
