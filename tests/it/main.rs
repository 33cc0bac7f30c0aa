//! The suite: the deployed routers on a real engine, a fresh table per test, driven as users drive them.

#[cfg(test)]
mod harness;

#[cfg(test)]
mod proxy;
