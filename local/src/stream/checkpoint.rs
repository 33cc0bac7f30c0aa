//! The position in the stream up to which all records were delivered. It is kept in a file, so that a restart goes on
//! from there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::private;

/// The positions in the shards of one stream.
#[derive(Debug, Default)]
pub struct Checkpoint {
    file: Option<PathBuf>,
    saved: Saved,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Saved {
    /// The ARN of the stream. Another table of the same name has another stream.
    stream: String,
    shards: BTreeMap<String, Position>,
}

/// The position in a shard. A shard without a position is read from its beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Position {
    /// All records up to this sequence number were delivered.
    After(String),
    /// The shard is closed, and all of its records were delivered.
    End,
}

impl Checkpoint {
    /// Creates a checkpoint that ends with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Reads the checkpoint in a file. A file that is missing or damaged means that the stream is read from its
    /// beginning: records that come again are harmless.
    pub fn kept_in(file: &Path) -> io::Result<Self> {
        private::existing(file)?;
        let saved = match fs::read(file) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, file = %file.display(), "the checkpoint is damaged; records come again");
                Saved::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Saved::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file: Some(file.to_owned()), saved })
    }

    /// Keeps the positions if they belong to this stream and to shards that it still has.
    pub(super) fn keep_only<'a>(&mut self, stream: &str, shards: impl Iterator<Item = &'a str>) {
        if self.saved.stream != stream {
            self.saved = Saved { stream: stream.to_owned(), ..Saved::default() };
        }
        let shards: Vec<&str> = shards.collect();
        self.saved.shards.retain(|shard, _| shards.contains(&&**shard));
    }

    /// Returns the last sequence number that was delivered; `None` before the first one.
    pub(super) fn last(&self, shard: &str) -> Option<String> {
        match self.saved.shards.get(shard) {
            Some(Position::After(number)) => Some(number.clone()),
            _ => None,
        }
    }

    pub(super) fn is_at_end(&self, shard: &str) -> bool {
        self.saved.shards.get(shard) == Some(&Position::End)
    }

    /// Notes that all records up to a sequence number were delivered.
    pub(super) fn advance(&mut self, shard: &str, number: &str) {
        self.set(shard, Position::After(number.to_owned()));
    }

    /// Notes that all records of a closed shard were delivered.
    pub(super) fn end(&mut self, shard: &str) {
        self.set(shard, Position::End);
    }

    fn set(&mut self, shard: &str, position: Position) {
        self.saved.shards.insert(shard.to_owned(), position);
        let Some(file) = &self.file else {
            return;
        };
        // If the file is not written, a restart delivers these records again, which is harmless.
        if let Err(error) = write(file, &self.saved) {
            tracing::error!(%error, file = %file.display(), "the checkpoint could not be written");
        }
    }
}

fn write(file: &Path, saved: &Saved) -> io::Result<()> {
    private::replace(file, &serde_json::to_vec(saved)?)
}
