//! Faults between the store and the table. An operation succeeds if the fault passes. If the function dies, the
//! client's retry succeeds. In both cases the table keeps its rules.

mod contention;
mod late;
mod partial;
pub mod stage;
mod sweeps;
