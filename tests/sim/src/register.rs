//! A value that several clients write and read at the same time, and the values that a read may return: those of a
//! linearizable register (Herlihy and Wing: Linearizability, 1990).

use tokio::time::Instant;

#[derive(Debug, Clone)]
struct Write {
    value: String,
    begun: Instant,
    /// The time of its answer; `None` while the outcome is unknown.
    done: Option<Instant>,
}

/// All writes of one value, except those that were refused.
#[derive(Debug, Clone, Default)]
pub struct Register {
    writes: Vec<Write>,
    /// True once the first value is known.
    has_first: bool,
}

impl Register {
    /// Creates a register whose first value was written at `begun`.
    pub fn new(value: &str, begun: Instant) -> Self {
        let mut register = Self::default();
        register.know_first(value, begun);
        register
    }

    /// Notes the first value, whose write was answered before `begun` or whose answer was lost.
    pub fn know_first(&mut self, value: &str, begun: Instant) {
        if !self.has_first && self.writes.iter().all(|write| write.value != value) {
            self.writes.insert(0, Write { value: value.to_owned(), begun, done: Some(begun) });
            self.has_first = true;
        }
    }

    /// Notes that a write begins.
    pub fn begin(&mut self, value: &str) {
        self.writes.push(Write { value: value.to_owned(), begun: Instant::now(), done: None });
    }

    /// Notes the outcome of a write: acknowledged, refused, or unknown (`None`).
    pub fn end(&mut self, value: &str, outcome: Option<bool>) {
        match outcome {
            Some(true) => {
                let written = self.writes.iter_mut().find(|write| write.value == value);
                if let Some(write) = written {
                    write.done = Some(Instant::now());
                }
            }
            Some(false) => self.writes.retain(|write| write.value != value),
            None => {}
        }
    }

    /// Returns true if a read that began at `begun` may return `value`: somebody has written it, and no write that began after
    /// its answer was answered before the read.
    pub fn may_read(&self, value: &str, begun: Instant) -> bool {
        self.writes.is_empty()
            || self.writes.iter().filter(|write| write.value == value).any(|write| {
                let overwrites = |other: &Write| {
                    write.done.is_some_and(|done| other.begun >= done && other.value != write.value)
                        && other.done.is_some_and(|done| done < begun)
                };
                !self.writes.iter().any(overwrites)
            })
    }

    pub fn describe(&self) -> String {
        format!("the writes are {:?}", self.writes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_read_returns_no_value_that_was_overwritten_before_it() {
        let mut register = Register::new("a", Instant::now());
        advance(Duration::from_secs(1)).await;
        register.begin("b");
        assert!(register.may_read("a", Instant::now()) && register.may_read("b", Instant::now()));
        register.end("b", Some(true));
        let during = Instant::now();
        advance(Duration::from_secs(1)).await;
        assert!(register.may_read("a", during), "the read began before the answer");
        assert!(!register.may_read("a", Instant::now()) && register.may_read("b", Instant::now()));
        assert!(!register.may_read("c", Instant::now()), "nobody has written it");
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_write_of_unknown_outcome_may_take_effect_late_and_a_refused_one_never() {
        let mut register = Register::new("a", Instant::now());
        register.begin("late");
        register.end("late", None);
        register.begin("refused");
        register.end("refused", Some(false));
        advance(Duration::from_mins(1)).await;
        assert!(register.may_read("a", Instant::now()) && register.may_read("late", Instant::now()));
        assert!(!register.may_read("refused", Instant::now()));
    }
}
