//! Files that pages are made with, embedded in the binary. Their addresses name their content, so that a browser keeps them
//! for good and never shows a new page in an old style.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// How long a browser keeps a file whose address names its content.
pub const KEPT_FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// One file.
#[derive(Debug)]
pub struct Asset {
    /// Its name under `/static/`.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
    version: OnceLock<String>,
}

impl Asset {
    /// A file and what is in it.
    #[must_use]
    pub const fn new(name: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { name, media_type, bytes, version: OnceLock::new() }
    }

    /// Tells this content from every other.
    pub fn version(&self) -> &str {
        self.version.get_or_init(|| version(self.bytes))
    }

    /// Where pages find it.
    pub fn href(&self) -> String {
        format!("/static/{}?v={}", self.name, self.version())
    }
}

/// The version of a content.
#[must_use]
pub fn version(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    URL_SAFE_NO_PAD.encode(&digest[..9])
}

/// How all pages look.
pub static STYLE: Asset =
    Asset::new("style.css", "text/css; charset=utf-8", include_bytes!("../../static/style.css"));
/// What forms do besides being posted, where scripts run.
pub static SCRIPT: Asset =
    Asset::new("browse.js", "text/javascript; charset=utf-8", include_bytes!("../../static/browse.js"));
/// The icon in a tab.
pub static ICON: Asset = Asset::new("icon.svg", "image/svg+xml", include_bytes!("../../static/icon.svg"));

/// The files of all pages.
#[must_use]
pub fn shared() -> [&'static Asset; 3] {
    [&STYLE, &SCRIPT, &ICON]
}
