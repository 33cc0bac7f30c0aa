//! Files that pages are made with, embedded in the binary. Their addresses name their content, so that a browser keeps them
//! for good and never shows a new page in an old style.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// One file.
#[derive(Debug)]
pub struct Asset {
    /// Its name under `/static/`.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
    version: LazyLock<String, fn() -> String>,
}

/// Declares a file of the folder `static/` beside `src/`: its name, its media type, and how its version is computed.
#[macro_export]
macro_rules! asset {
    ($name:literal, $media_type:literal) => {
        $crate::http::assets::Asset::new(
            $name,
            $media_type,
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/static/", $name)),
            || {
                $crate::http::assets::version(include_bytes!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/static/",
                    $name
                )))
            },
        )
    };
}

impl Asset {
    /// Of `asset!`.
    #[must_use]
    pub const fn new(
        name: &'static str,
        media_type: &'static str,
        bytes: &'static [u8],
        version: fn() -> String,
    ) -> Self {
        Self { name, media_type, bytes, version: LazyLock::new(version) }
    }

    /// Tells this content from every other.
    pub fn version(&self) -> &str {
        &self.version
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
pub static STYLE: Asset = asset!("style.css", "text/css; charset=utf-8");
/// What forms do besides being posted, where scripts run.
pub static SCRIPT: Asset = asset!("browse.js", "text/javascript; charset=utf-8");
/// The icon in a tab.
pub static ICON: Asset = asset!("icon.svg", "image/svg+xml");

/// The files of all pages.
#[must_use]
pub fn shared() -> [&'static Asset; 3] {
    [&STYLE, &SCRIPT, &ICON]
}
