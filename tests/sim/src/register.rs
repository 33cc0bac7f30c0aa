//! A value that several clients write and read at the same time, and the values that a read may return: those of a
//! linearizable register (Herlihy and Wing: Linearizability, 1990).

use tokio::time::Instant;

#[derive(Debug, Clone)]
struct Write {
    id: u64,
    value: String,
    /// `None` if the write began before everything that is known.
    begun: Option<Instant>,
    /// The time of its answer; `None` while the outcome is unknown.
    done: Option<Instant>,
}

/// A write that has begun.
#[derive(Debug, Clone, Copy)]
pub struct WriteId(u64);

/// All writes of one value, except those that were refused.
#[derive(Debug, Clone, Default)]
pub struct Register {
    writes: Vec<Write>,
    count: u64,
    /// True once the first value is known.
    has_first: bool,
}

impl Register {
    /// Creates a register whose first value was written before now.
    pub fn new(value: &str) -> Self {
        let mut register = Self::default();
        register.know_first(value);
        register
    }

    /// Notes the first value, which was written before now.
    pub fn know_first(&mut self, value: &str) {
        if !self.has_first && self.writes.iter().all(|write| write.value != value) {
            let first = Write { id: 0, value: value.to_owned(), begun: None, done: Some(Instant::now()) };
            self.writes.insert(0, first);
            self.has_first = true;
        }
    }

    /// Notes that a write begins.
    pub fn begin(&mut self, value: &str) -> WriteId {
        self.count += 1;
        let (id, value) = (self.count, value.to_owned());
        self.writes.push(Write { id, value, begun: Some(Instant::now()), done: None });
        WriteId(id)
    }

    /// Notes the outcome of a write: acknowledged, refused, or unknown (`None`).
    pub fn end(&mut self, id: WriteId, outcome: Option<bool>) {
        match outcome {
            Some(true) => {
                if let Some(write) = self.writes.iter_mut().find(|write| write.id == id.0) {
                    write.done = Some(Instant::now());
                }
            }
            Some(false) => self.writes.retain(|write| write.id != id.0),
            None => {}
        }
    }

    /// Returns true if nothing is known.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Returns the number of writes that were acknowledged before `time`.
    pub fn acknowledged_before(&self, time: Instant) -> usize {
        self.writes.iter().filter(|write| write.done.is_some_and(|done| done < time)).count()
    }

    /// Returns true if a write that was not the first may have taken effect after `time`.
    pub fn may_change_after(&self, time: Instant) -> bool {
        let is_later = |write: &Write| write.begun.is_some() && write.done.is_none_or(|done| done >= time);
        self.writes.iter().any(is_later)
    }

    /// Returns true if somebody has tried to write this value.
    pub fn knows(&self, value: &str) -> bool {
        self.writes.iter().any(|write| write.value == value)
    }

    /// Returns the time after which no write of this value takes effect any more; `None` if nobody knows it.
    pub fn ended(&self, value: &str) -> Option<Instant> {
        let writes = self.writes.iter().filter(|write| write.value == value);
        writes.map(|write| write.done).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Returns the time when the last write of this value began that was acknowledged before `time`.
    pub fn begun(&self, value: &str, time: Instant) -> Option<Instant> {
        let is_done = |write: &&Write| write.value == value && write.done.is_some_and(|done| done < time);
        self.writes.iter().filter(is_done).filter_map(|write| write.begun).max()
    }

    /// Returns true if every write of this value began after `time`.
    pub fn is_later(&self, value: &str, time: Instant) -> bool {
        let mut writes = self.writes.iter().filter(|write| write.value == value);
        writes.all(|write| write.begun.is_some_and(|begun| begun > time))
    }

    /// Returns true if a read that began at `begun` may return `value`: somebody has written it, and no write that began after
    /// its answer was answered before the read.
    pub fn may_read(&self, value: &str, begun: Instant) -> bool {
        self.writes.is_empty()
            || self.writes.iter().filter(|write| write.value == value).any(|write| {
                let overwrites = |other: &Write| {
                    let is_later =
                        write.done.is_some_and(|done| other.begun.is_some_and(|begun| begun >= done));
                    is_later && other.value != write.value && other.done.is_some_and(|done| done < begun)
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
        let mut register = Register::new("a");
        advance(Duration::from_secs(1)).await;
        let b = register.begin("b");
        assert!(register.may_read("a", Instant::now()) && register.may_read("b", Instant::now()));
        register.end(b, Some(true));
        let during = Instant::now();
        advance(Duration::from_secs(1)).await;
        assert!(register.may_read("a", during), "the read began before the answer");
        assert!(!register.may_read("a", Instant::now()) && register.may_read("b", Instant::now()));
        assert!(!register.may_read("c", Instant::now()), "nobody has written it");
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_write_of_unknown_outcome_may_take_effect_late_and_a_refused_one_never() {
        let mut register = Register::new("a");
        let late = register.begin("late");
        register.end(late, None);
        let refused = register.begin("refused");
        register.end(refused, Some(false));
        advance(Duration::from_mins(1)).await;
        assert!(register.may_read("a", Instant::now()) && register.may_read("late", Instant::now()));
        assert!(!register.may_read("refused", Instant::now()));
    }
}
