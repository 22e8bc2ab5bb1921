use super::{PBUF, proto, strip_pbuf};
use crate::FormatError;
use crate::wire::{decode_message, required};

/// Decodes `hbase.id`: `PBUF` and the cluster's id as text; before HBase 0.96, the text alone, with or without the two
/// bytes of length that Java's `writeUTF` puts before it.
pub fn decode_cluster_id(bytes: &[u8]) -> Result<String, FormatError> {
    if let Some(message) = bytes.strip_prefix(PBUF) {
        let message: proto::OneText = decode_message(message, 4, "ClusterId")?;
        return required(message.text, "ClusterId: the id", 4);
    }
    let text = match bytes.split_first_chunk::<2>() {
        Some((length, rest)) if usize::from(u16::from_be_bytes(*length)) == rest.len() => rest,
        _ => bytes,
    };
    let text = std::str::from_utf8(text).map(str::trim).unwrap_or_default();
    if text.is_empty() || text.len() > 255 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FormatError::corrupt("hbase.id holds neither PBUF nor an id as text").at(0));
    }
    Ok(text.to_owned())
}

/// Decodes `hbase.version`: `PBUF` and the version of the root's layout as text, "8" in HBase 2.5, 2.6 and 3.0.
pub fn decode_file_system_version(bytes: &[u8]) -> Result<String, FormatError> {
    let message: proto::OneText =
        decode_message(strip_pbuf(bytes, "hbase.version")?, 4, "HBaseVersionFileContent")?;
    required(message.text, "HBaseVersionFileContent: the version", 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_cluster_id_is_plain_text() {
        assert_eq!(decode_cluster_id(b"\x00\x03a-b").unwrap(), "a-b");
        assert_eq!(decode_cluster_id(b"a-b\n").unwrap(), "a-b");
        for bad in [&b""[..], b"\xff\xff", b"a b", b"PBUF", b"PBUF\x0a\x09x"] {
            assert!(decode_cluster_id(bad).is_err(), "{bad:?}");
        }
        assert!(decode_file_system_version(b"8").is_err());
        assert_eq!(decode_file_system_version(b"PBU").unwrap_err().kind, crate::FormatErrorKind::Truncated);
    }
}
