//! Files for pages, embedded in the binary. The URL of a file contains a hash of its content, so browsers keep it for a
//! year and never combine a new page with an old style.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The value of `Cache-Control` for files whose URL contains a hash of their content. The maximum age is one year, in
/// seconds.
pub const KEPT_FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// A file for pages, embedded in the binary.
#[derive(Debug)]
pub struct Asset {
    /// The name of the file below `/static/`.
    pub name: &'static str,
    /// The media type for the header `Content-Type`.
    pub media_type: &'static str,
    /// The content of the file.
    pub bytes: &'static [u8],
    version: OnceLock<String>,
}

impl Asset {
    /// Creates a file with its content.
    #[must_use]
    pub const fn new(name: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { name, media_type, bytes, version: OnceLock::new() }
    }

    /// Returns the version of the content; see [`version`].
    pub fn version(&self) -> &str {
        self.version.get_or_init(|| version(self.bytes))
    }

    /// Returns the path of the file with its version, for pages.
    pub fn href(&self) -> String {
        format!("/static/{}?v={}", self.name, self.version())
    }
}

/// Returns the version of a content: the first 9 bytes of its SHA-256, in base64url.
#[must_use]
pub fn version(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    URL_SAFE_NO_PAD.encode(&digest[..9])
}

/// The style sheet of all pages.
pub static STYLE: Asset =
    Asset::new("style.css", "text/css; charset=utf-8", include_bytes!("../../static/style.css"));
/// The script that extends the forms of pages. Pages work without it.
pub static SCRIPT: Asset =
    Asset::new("browse.js", "text/javascript; charset=utf-8", include_bytes!("../../static/browse.js"));
/// The icon in a browser's tab.
pub static ICON: Asset = Asset::new("icon.svg", "image/svg+xml", include_bytes!("../../static/icon.svg"));

/// Returns the files that all pages use.
#[must_use]
pub fn shared() -> [&'static Asset; 3] {
    [&STYLE, &SCRIPT, &ICON]
}
