//! Files that are compressed at build time, and sent compressed to clients that accept gzip.

use std::{
    io::{self, Read as _},
    sync::OnceLock,
};

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use flate2::{
    Compression,
    read::{GzDecoder, GzEncoder},
};
use shared::{
    http::{Problem, takes_gzip},
    pages::assets,
};

/// Embeds a file that the build script has compressed.
macro_rules! packed {
    ($name:literal) => {
        $crate::packed::Packed(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")))
    };
}

/// Declares the files below one path.
macro_rules! folder {
    ($path:literal: $($name:literal: $media_type:expr;)*) => {
        $crate::packed::Folder::new($path, &[$($crate::packed::File {
            name: $name,
            media_type: $media_type,
            packed: $crate::packed::packed!($name),
        }),*])
    };
}

pub(crate) use {folder, packed};

/// The media type of a style sheet.
pub(crate) const STYLE: &str = "text/css; charset=utf-8";
/// The media type of a script.
pub(crate) const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The bytes of a file, compressed with gzip.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed(pub(crate) &'static [u8]);

impl Packed {
    /// Returns an answer with the bytes, compressed if the client accepts gzip.
    pub(crate) fn answer(self, headers: &HeaderMap) -> Result<Response, Problem> {
        let vary = [(header::VARY, "Accept-Encoding")];
        if takes_gzip(headers) {
            return Ok((vary, [(header::CONTENT_ENCODING, "gzip")], self.0).into_response());
        }
        Ok((vary, self.bytes().map_err(Problem::internal)?).into_response())
    }

    /// Returns an answer in which `other` replaces the first `text`; the bytes are unchanged if `other` is empty.
    pub(crate) fn answer_with(
        self,
        text: &str,
        other: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        if other.is_empty() || other == text {
            return self.answer(headers);
        }
        let bytes = self.bytes().map_err(Problem::internal)?;
        let bytes = String::from_utf8(bytes).map_err(Problem::internal)?.replacen(text, other, 1);
        let vary = [(header::VARY, "Accept-Encoding")];
        if !takes_gzip(headers) {
            return Ok((vary, bytes).into_response());
        }
        let mut packed = Vec::new();
        let mut encoder = GzEncoder::new(bytes.as_bytes(), Compression::default());
        encoder.read_to_end(&mut packed).map_err(Problem::internal)?;
        Ok((vary, [(header::CONTENT_ENCODING, "gzip")], packed).into_response())
    }

    fn bytes(self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        GzDecoder::new(self.0).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A file of a folder.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) packed: Packed,
}

/// Files that refer to each other by relative names. Their common path contains a hash of their contents, so browsers
/// keep them for a year.
#[derive(Debug)]
pub(crate) struct Folder {
    path: &'static str,
    files: &'static [File],
    version: OnceLock<String>,
}

impl Folder {
    pub(crate) const fn new(path: &'static str, files: &'static [File]) -> Self {
        Self { path, files, version: OnceLock::new() }
    }

    /// Returns the version of the folder: a hash of the names and contents of its files.
    fn version(&self) -> &str {
        self.version.get_or_init(|| {
            let all: Vec<&[u8]> =
                self.files.iter().flat_map(|file| [file.name.as_bytes(), file.packed.0]).collect();
            assets::version(&all.concat())
        })
    }

    /// Returns the path of a file, for a page.
    pub(crate) fn href(&self, name: &str) -> String {
        format!("{}{}/{name}", self.path, self.version())
    }

    /// Returns the names of the files with a media type.
    pub(crate) fn names(&self, media_type: &str) -> impl Iterator<Item = &'static str> {
        self.files.iter().filter(move |file| file.media_type == media_type).map(|file| file.name)
    }

    /// Returns the answer with a file. A page of another release gets the file of this release, and browsers do not
    /// keep it.
    pub(crate) fn answer(&self, version: &str, name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
        let file = self.files.iter().find(|file| file.name == name).ok_or_else(Problem::not_found)?;
        let kept = if version == self.version() { assets::KEPT_FOR_GOOD } else { "no-store" };
        let about = [(header::CONTENT_TYPE, file.media_type), (header::CACHE_CONTROL, kept)];
        Ok((about, file.packed.answer(headers)?).into_response())
    }
}
