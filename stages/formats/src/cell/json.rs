//! One cell as a line of JSON: the form that `hfile cat` and similar commands print.

use super::CellRef;
use crate::FormatError;

/// What a line shows besides the cell, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonForm {
    /// The effective sequence id, shown as `seq`; the stored one follows as `stored_seq` where it differs. None shows
    /// neither.
    pub sequence: Option<u64>,
    /// Show the family in hexadecimal instead of as text.
    pub hex_family: bool,
}

/// Appends the cell as a JSON object, without a line end:
/// `{"row":hex,"family":text,"qualifier":hex,"ts":ms,"type":name,"value":hex,"tags":hex,"seq":n,"stored_seq":n}`,
/// of which `tags`, `seq` and `stored_seq` are there only where they say something.
///
/// # Errors
/// The family is not UTF-8 and is not to be shown in hexadecimal. `out` may have a part of the line.
pub fn encode_json(cell: &CellRef<'_>, form: JsonForm, out: &mut Vec<u8>) -> Result<(), FormatError> {
    out.extend_from_slice(b"{\"row\":\"");
    push_hex(cell.row, out);
    out.extend_from_slice(b"\",\"family\":\"");
    if form.hex_family {
        push_hex(cell.family, out);
    } else {
        push_family(cell.family, out)?;
    }
    out.extend_from_slice(b"\",\"qualifier\":\"");
    push_hex(cell.qualifier, out);
    out.extend_from_slice(b"\",\"ts\":");
    push_number(cell.timestamp.unsigned_abs(), cell.timestamp < 0, out);
    out.extend_from_slice(b",\"type\":\"");
    out.extend_from_slice(cell.cell_type.name().as_bytes());
    out.extend_from_slice(b"\",\"value\":\"");
    push_hex(cell.value, out);
    out.push(b'"');
    if !cell.tags.is_empty() {
        out.extend_from_slice(b",\"tags\":\"");
        push_hex(cell.tags, out);
        out.push(b'"');
    }
    if let Some(sequence) = form.sequence {
        out.extend_from_slice(b",\"seq\":");
        push_number(sequence, false, out);
        if sequence != cell.sequence {
            out.extend_from_slice(b",\"stored_seq\":");
            push_number(cell.sequence, false, out);
        }
    }
    out.push(b'}');
    Ok(())
}

/// A hexadecimal digit, without a branch, so that whole rows and values go fast.
const fn hex_digit(nibble: u8) -> u8 {
    nibble + b'0' + (nibble > 9) as u8 * (b'a' - b'9' - 1)
}

pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() * 2);
    out.extend(bytes.iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]));
}

pub(crate) fn push_family(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FormatError> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        let shown = bytes.escape_ascii();
        FormatError::corrupt(format!("the family name {shown} is not UTF-8: show it in hexadecimal"))
    })?;
    push_text(text, out);
    Ok(())
}

pub(crate) fn push_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                push_hex(&[*byte], out);
            }
            _ => out.push(*byte),
        }
    }
}

pub(crate) fn push_number(number: u64, negative: bool, out: &mut Vec<u8>) {
    if negative {
        out.push(b'-');
    }
    let mut digits = [0; 20];
    let (mut left, mut used) = (number, 0);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        used += 1;
        if left == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(digits.len() - used));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::CellType;

    fn line(cell: &CellRef<'_>, form: JsonForm) -> String {
        let mut out = Vec::new();
        encode_json(cell, form, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const CELL: CellRef<'static> = CellRef {
        row: b"r\xff",
        family: b"cf",
        qualifier: b"",
        timestamp: 1_700_000_000_000,
        cell_type: CellType::DeleteColumn,
        value: b"",
        tags: b"",
        sequence: 7,
    };

    #[test]
    fn a_line_has_what_there_is() {
        let plain = r#"{"row":"72ff","family":"cf","qualifier":"","ts":1700000000000,"type":"DeleteColumn","value":""}"#;
        assert_eq!(line(&CELL, JsonForm::default()), plain);
        let tagged = CellRef { tags: b"\x00\x01\x08", value: b"\x0a", timestamp: 0, ..CELL };
        assert_eq!(
            line(&tagged, JsonForm { sequence: Some(7), hex_family: true }),
            r#"{"row":"72ff","family":"6366","qualifier":"","ts":0,"type":"DeleteColumn","value":"0a","tags":"000108","seq":7}"#
        );
        let moved = line(&CELL, JsonForm { sequence: Some(77), hex_family: false });
        assert!(moved.ends_with(r#","seq":77,"stored_seq":7}"#), "{moved}");
    }

    #[test]
    fn any_family_of_utf_8_is_one_that_json_reads_back() {
        for family in ["ü\u{1f600}", "a\"b\\c", "\u{1}\n\u{7f}"] {
            let text = line(&CellRef { family: family.as_bytes(), ..CELL }, JsonForm::default());
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["family"], family);
        }
        let strange = CellRef { family: b"\xff", ..CELL };
        assert!(encode_json(&strange, JsonForm::default(), &mut Vec::new()).is_err());
        assert!(line(&strange, JsonForm { sequence: None, hex_family: true }).contains(r#""family":"ff""#));
    }

    #[test]
    fn numbers_are_whole() {
        for timestamp in [i64::MIN, -1, 0, 9, 10, i64::MAX] {
            let text = line(
                &CellRef { timestamp, ..CELL },
                JsonForm { sequence: Some(u64::MAX), hex_family: false },
            );
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!((value["ts"].as_i64(), value["seq"].as_u64()), (Some(timestamp), Some(u64::MAX)));
        }
    }
}
