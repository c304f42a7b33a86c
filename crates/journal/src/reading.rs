//! Reads what was appended to the segments of a store; much of it on a thread that decodes frames while this
//! one takes them in.

use std::collections::BTreeMap;
use std::fs;
use std::mem;
use std::panic;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::Error;
use crate::segment::{Found, Segment};

/// Bytes from which a thread of its own decodes.
const MUCH: u64 = 4 << 20;
/// Frames that are handed over together, and how many such lots may wait.
const LOT: usize = 512;
const LOTS: usize = 8;

/// Whether every segment that was listed was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    Whole,
    Outdated,
}

/// Hands over what was appended to `paths`, in their order, since they were read last.
///
/// # Errors
/// The first that a segment has; all others are read.
pub(crate) fn read_on(
    paths: &[PathBuf],
    known: &mut BTreeMap<PathBuf, Segment>,
    take: &mut dyn FnMut(Found),
) -> Result<Listing, Error> {
    if unread(paths, known) >= MUCH
        && let Some(done) = read_aside(paths, known, take)
    {
        return done;
    }
    read_here(paths, known, take)
}

/// Bytes that were appended since.
fn unread(paths: &[PathBuf], known: &BTreeMap<PathBuf, Segment>) -> u64 {
    let of = |path: &PathBuf| {
        let read = known.get(path).map_or(0, Segment::offset);
        fs::metadata(path).map_or(0, |found| found.len().saturating_sub(read))
    };
    paths.iter().map(of).sum()
}

fn read_here(
    paths: &[PathBuf],
    known: &mut BTreeMap<PathBuf, Segment>,
    take: &mut dyn FnMut(Found),
) -> Result<Listing, Error> {
    let mut done = Ok(Listing::Whole);
    for path in paths {
        let segment = known.entry(path.clone()).or_insert_with_key(|path| Segment::new(path));
        match segment.read_on(take) {
            Err(error) if error.is_gone() => done = done.map(|_| Listing::Outdated),
            Err(error) => done = done.and(Err(error)),
            Ok(()) => {}
        }
    }
    done
}

/// The same by two threads; nothing where the other one cannot be started.
fn read_aside(
    paths: &[PathBuf],
    known: &mut BTreeMap<PathBuf, Segment>,
    take: &mut dyn FnMut(Found),
) -> Option<Result<Listing, Error>> {
    thread::scope(|scope| {
        let (lots, read) = sync_channel(LOTS);
        let decode = move || decode(paths, known, &lots);
        let reader =
            thread::Builder::new().name("journal".into()).spawn_scoped(scope, decode).ok()?;
        read.into_iter().flatten().for_each(take);
        Some(reader.join().unwrap_or_else(|payload| panic::resume_unwind(payload)))
    })
}

fn decode(
    paths: &[PathBuf],
    known: &mut BTreeMap<PathBuf, Segment>,
    lots: &SyncSender<Vec<Found>>,
) -> Result<Listing, Error> {
    let mut lot = Vec::with_capacity(LOT);
    // It is taken as long as there is somebody who takes.
    let done = read_here(paths, known, &mut |found| {
        lot.push(found);
        if lot.len() == LOT {
            let _ = lots.send(mem::replace(&mut lot, Vec::with_capacity(LOT)));
        }
    });
    let _ = lots.send(lot);
    done
}
