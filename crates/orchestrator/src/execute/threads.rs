//! Threads that a driver or a worker cannot do without.

use std::thread::{Builder, JoinHandle};

use super::Error;

/// Starts a thread for something, which its name says.
pub(crate) fn start<T: Send + 'static>(
    name: &'static str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    let started = Builder::new().name(name.into()).spawn(body);
    started.map_err(|source| Error::Thread { name, source })
}
