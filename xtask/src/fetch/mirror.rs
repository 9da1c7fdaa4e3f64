//! A source of files: a base URL or a local folder.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use ureq::http::{Response, StatusCode, header};

use super::manifest::FileEntry;
use crate::usage::WrongUse;

/// Timeouts and attempts, and the proxy.
#[derive(Debug, Clone)]
pub(super) struct Network {
    /// For resolving the name and for connecting, each.
    pub(super) connect_timeout: Duration,
    /// The longest time without a byte while a response is awaited or read.
    pub(super) stall_timeout: Duration,
    /// Attempts at one mirror for one file.
    pub(super) attempts: u32,
    /// The wait before the second attempt; it doubles for each further one.
    pub(super) backoff: Duration,
    pub(super) proxy: Option<ureq::Proxy>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(20),
            attempts: 3,
            backoff: Duration::from_millis(500),
            proxy: ureq::Proxy::try_from_env(),
        }
    }
}

/// Why a mirror did not give a file.
#[derive(Debug)]
pub(super) enum Trouble {
    /// May be temporary: try the same mirror again and keep the bytes so far.
    Passing(String),
    /// The bytes so far are of no use: discard them and try the same mirror again.
    StartOver(String),
    /// Permanent: go to the next mirror.
    Lasting(String),
    /// An error of this machine, such as a full disk: no mirror can help.
    Local(anyhow::Error),
}

/// A file's bytes from `start` on.
pub(super) struct Source {
    pub(super) start: u64,
    pub(super) reader: Box<dyn Read>,
}

#[derive(Debug, Clone)]
pub(super) enum Mirror {
    /// Ends in a slash.
    Url(String),
    Folder(PathBuf),
}

impl Mirror {
    /// A URL if `text` begins like one, otherwise a folder, which must exist.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.starts_with("http://") || text.starts_with("https://") {
            let slash = if text.ends_with('/') { "" } else { "/" };
            return Ok(Self::Url(format!("{text}{slash}")));
        }
        let folder = PathBuf::from(text);
        if !folder.is_dir() {
            let message = format!(
                "mirror {text:?} is neither an http(s) URL nor a folder; give one of the two"
            );
            return Err(WrongUse(message).into());
        }
        Ok(Self::Folder(folder))
    }

    /// The address of `name` in this mirror, for messages.
    pub(super) fn address(&self, name: &str) -> String {
        match self {
            Self::Url(base) => format!("{base}{name}"),
            Self::Folder(folder) => folder.join(name).display().to_string(),
        }
    }

    /// Opens `entry` at `offset`, or at 0 if the mirror cannot begin in the middle.
    pub(super) fn open(
        &self,
        entry: &FileEntry,
        offset: u64,
        network: &Network,
    ) -> Result<Source, Trouble> {
        match self {
            Self::Url(_) => request(&self.address(&entry.name), entry.bytes, offset, network),
            Self::Folder(folder) => {
                let opened = File::open(folder.join(&entry.name)).and_then(|mut file| {
                    file.seek(SeekFrom::Start(offset))?;
                    Ok(file)
                });
                let file = opened.map_err(|error| Trouble::Lasting(error.to_string()))?;
                Ok(Source {
                    start: offset,
                    reader: Box::new(file),
                })
            }
        }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(base) => f.write_str(base),
            Self::Folder(folder) => folder.display().fmt(f),
        }
    }
}

fn request(url: &str, bytes: u64, offset: u64, network: &Network) -> Result<Source, Trouble> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(network.connect_timeout))
        .timeout_connect(Some(network.connect_timeout))
        .timeout_per_read(Some(network.stall_timeout))
        .proxy(network.proxy.clone())
        .build()
        .into();
    // Compressed files must not be decompressed.
    let mut request = agent.get(url).header(header::ACCEPT_ENCODING, "identity");
    if offset > 0 {
        request = request.header(header::RANGE, format!("bytes={offset}-"));
    }
    let response = request.call().map_err(|error| match error {
        ureq::Error::HostNotFound | ureq::Error::BadUri(_) => Trouble::Lasting(error.to_string()),
        other => Trouble::Passing(other.to_string()),
    })?;
    let start = first_byte(&response, bytes, offset)?;
    Ok(Source {
        start,
        reader: Box::new(response.into_body().into_reader()),
    })
}

/// The position in a file of `bytes` bytes, requested from `offset`, at which the body of `response` begins.
fn first_byte(response: &Response<ureq::Body>, bytes: u64, offset: u64) -> Result<u64, Trouble> {
    let field = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    match response.status() {
        StatusCode::OK => match field(header::CONTENT_LENGTH).and_then(|n| n.parse::<u64>().ok()) {
            Some(length) if length != bytes => Err(Trouble::Lasting(format!(
                "offers {length} bytes, expected {bytes}"
            ))),
            _ => Ok(0),
        },
        StatusCode::PARTIAL_CONTENT => {
            let range = field(header::CONTENT_RANGE).unwrap_or("none");
            if range == format!("bytes {offset}-{}/{bytes}", bytes - 1) {
                return Ok(offset);
            }
            Err(Trouble::StartOver(format!(
                "gave Content-Range {range}, expected the bytes from {offset} of {bytes}"
            )))
        }
        StatusCode::RANGE_NOT_SATISFIABLE => Err(Trouble::StartOver(format!(
            "HTTP 416 to a range from {offset}"
        ))),
        status if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => {
            Err(Trouble::Passing(format!("HTTP {status}")))
        }
        status => Err(Trouble::Lasting(format!("HTTP {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_gets_its_slash() {
        for text in ["http://host/mnist", "http://host/mnist/"] {
            let mirror = Mirror::parse(text).unwrap();
            assert_eq!(mirror.address("a.gz"), "http://host/mnist/a.gz");
        }
    }

    #[test]
    fn a_mirror_that_does_not_exist_is_wrong_use() {
        let error = Mirror::parse("no/such/folder").unwrap_err();
        assert!(error.is::<WrongUse>(), "{error}");
    }
}
