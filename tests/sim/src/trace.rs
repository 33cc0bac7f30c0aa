//! The trace of a simulation: one line for each call and each operation, with the virtual time. The same seed gives the same
//! bytes.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

/// A trace. Clones share it.
#[derive(Debug, Clone)]
pub struct Trace(Option<Arc<Mutex<(Instant, String)>>>);

impl Trace {
    /// Creates a trace that keeps its lines if `is_kept`, and otherwise none. Its time begins now.
    pub fn new(is_kept: bool) -> Self {
        Self(is_kept.then(|| Arc::new(Mutex::new((Instant::now(), String::new())))))
    }

    /// Adds a line.
    pub fn line(&self, text: impl FnOnce() -> String) {
        let Some(kept) = &self.0 else {
            return;
        };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let time = kept.0.elapsed().as_millis();
        let written = writeln!(kept.1, "{time} {}", text());
        debug_assert!(written.is_ok(), "writing to a text cannot fail");
    }

    /// Returns all lines.
    pub fn text(&self) -> String {
        self.0
            .as_ref()
            .map_or_else(String::new, |kept| kept.lock().unwrap_or_else(PoisonError::into_inner).1.clone())
    }
}
