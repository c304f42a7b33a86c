//! Makes the journals of a store few.

use std::path::Path;

use journal::{Compacted, Fold};

use super::attempt::now;
use super::{Error, JOURNAL, heartbeat, store_folder};

/// Copies the segments of drivers and workers that are gone into one.
///
/// Drivers may be at work meanwhile, here or elsewhere: what they and their workers write stays as
/// it is.
///
/// # Errors
/// [`Error::NoFolder`] without a store, [`Error::Journal`] when another process compacts it or
/// something cannot be read or written. Nothing that was recorded is lost.
pub fn compact(store: &Path) -> Result<Compacted, Error> {
    store_folder(store)?;
    compact_known(store, &Fold::read(&store.join(JOURNAL))?)
}

/// [`compact`] by what is known of the store's journals already.
pub(super) fn compact_known(store: &Path, fold: &Fold) -> Result<Compacted, Error> {
    let folder = store.join(JOURNAL);
    let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
    // Here the segment's lock says whether its writer lives, elsewhere the heartbeat of its driver.
    let is_over = |writer: &str| {
        let is_here = fold.writers.get(writer).is_none_or(|opened| opened.host == here);
        is_here || heartbeat::read(store, driver_of(writer)).is_ok_and(|beats| beats.is_none())
    };
    let name = format!("snapshot-{:x}-{}", (now() * 1e6) as u64, std::process::id());
    Ok(journal::compact(&folder, &name, fold, &is_over)?)
}

/// The driver of a worker, whose name is `<driver>-w<number>`; a driver is its own.
fn driver_of(writer: &str) -> &str {
    match writer.rsplit_once("-w") {
        Some((driver, number)) if number.bytes().all(|b| b.is_ascii_digit()) => driver,
        _ => writer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_its_drivers() {
        assert_eq!(driver_of("node-w1-77-5f-0-w12"), "node-w1-77-5f-0");
        assert_eq!(driver_of("node-worker-77-5f-0"), "node-worker-77-5f-0");
    }
}
