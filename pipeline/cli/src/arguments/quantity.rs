use std::str::FromStr;

/// A number of bytes: `1048576`, `64MiB`, `4GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

/// Bytes a second: `50MB/s`, `1GiB/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRate(pub u64);

/// A duration: `50ms`, `2s`, `5m`; a number alone is milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milliseconds(pub u32);

/// A moment: `2026-11-20T10:00:00Z`, or ms since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub i64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        jobs::wal::parse_typed(text).map(Self)
    }
}

const UNITS: [(&str, u64); 11] = [
    ("", 1),
    ("b", 1),
    ("kb", 1000),
    ("mb", 1000 * 1000),
    ("gb", 1000 * 1000 * 1000),
    ("tb", 1000 * 1000 * 1000 * 1000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("pib", 1 << 50),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a size: give bytes, or a number with KB, MB, GB, KiB, MiB or GiB");
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit = unit.trim().to_ascii_lowercase();
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        number.checked_mul(*factor).map(Self).ok_or_else(wrong)
    }
}

impl FromStr for ByteRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match ByteSize::from_str(text.strip_suffix("/s").unwrap_or(text)) {
            Ok(ByteSize(0)) => Err("a rate of 0 would never end".into()),
            Ok(ByteSize(bytes)) => Ok(Self(bytes)),
            Err(_) => Err(format!("{text:?} is not a rate: give a value such as 50MB/s")),
        }
    }
}

impl FromStr for Milliseconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a duration: give 50ms, 2s or 5m");
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim() {
            "" | "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            _ => return Err(wrong()),
        };
        let number: u32 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates_are_read_as_people_write_them() {
        assert_eq!("64MiB".parse(), Ok(ByteSize(64 << 20)));
        assert_eq!("4 GB".parse(), Ok(ByteSize(4_000_000_000)));
        assert_eq!("17".parse(), Ok(ByteSize(17)));
        assert_eq!("50MB/s".parse(), Ok(ByteRate(50_000_000)));
        for bad in ["", "MB", "-1", "1.5GB", "9999999999TiB", "5 parsecs"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
        assert!("0".parse::<ByteRate>().is_err());
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!("50ms".parse(), Ok(Milliseconds(50)));
        assert_eq!("2 s".parse(), Ok(Milliseconds(2000)));
        assert_eq!("5m".parse(), Ok(Milliseconds(300_000)));
        assert_eq!("7".parse(), Ok(Milliseconds(7)));
        for bad in ["", "ms", "-1", "1.5s", "99999999m", "1h"] {
            assert!(bad.parse::<Milliseconds>().is_err(), "{bad}");
        }
    }
}
