//! What goes wrong between the store and the table. Where a failure passes, the operation succeeds all the same; where the
//! function dies of it, the client's next try does, and in either case the table keeps its rules.

mod contention;
mod late;
mod partial;
pub mod stage;
mod sweeps;
