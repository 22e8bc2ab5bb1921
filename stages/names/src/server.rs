use crate::root::SPLITTING;
use crate::{NameError, number};
use std::fmt;

/// A server (HBase.proto `ServerName`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerName {
    /// Host.
    pub host_name: String,
    /// Port.
    pub port: Option<u32>,
    /// When it started, ms.
    pub start_code: Option<u64>,
}

impl ServerName {
    /// Reads `host,port,startcode`, as the directory of a server under `WALs` is called; `-splitting` may follow.
    ///
    /// # Errors
    /// It is not that.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.strip_suffix(SPLITTING).unwrap_or(text);
        let mut parts = name.rsplitn(3, ',');
        let (start_code, port, host) = (parts.next(), parts.next(), parts.next());
        let server =
            Self::of(host.unwrap_or_default(), port.unwrap_or_default(), start_code.unwrap_or_default());
        server.ok_or_else(|| {
            let shown: String = text.chars().take(200).flat_map(char::escape_debug).collect();
            NameError::new(format!("\"{shown}\" is not a server's name: host,port,startcode"))
        })
    }

    pub(crate) fn of(host: &str, port: &str, start_code: &str) -> Option<Self> {
        let port = number(port).and_then(|port| u16::try_from(port).ok()).map(u32::from)?;
        let harmless =
            !host.is_empty() && !host.contains(['/', '\\', ',', '\0']) && host != ".." && host != ".";
        let start_code = number(start_code)?;
        harmless.then(|| Self { host_name: host.into(), port: Some(port), start_code: Some(start_code) })
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},{},{}",
            self.host_name,
            self.port.unwrap_or_default(),
            self.start_code.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_under_wals_is_named_for_its_server() {
        let server = ServerName::parse("localhost,43155,1795212897743-splitting").unwrap();
        assert_eq!(server.to_string(), "localhost,43155,1795212897743");
        for bad in ["", "localhost", "a,1", "a,b,1", "../a,1,2", "a,1,2,"] {
            assert!(ServerName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
