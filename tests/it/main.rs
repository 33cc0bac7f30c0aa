//! The suite: the deployed routers on a real engine, a fresh table per test, driven as users drive them.

#[cfg(test)]
mod harness;

#[cfg(test)]
mod budgets;
#[cfg(test)]
mod direct;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod held;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod log;
#[cfg(test)]
mod order;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod unread;
