//! Makes files that no source has.

use std::io;
use std::path::Path;

use super::receive::{Staging, Stop};
use crate::error::SourceFault;
use crate::manifest::{Recipe, Wanted};
use crate::omniglot;
use crate::video;

/// Receives the files `wanted`, made from the downloads at `paths`.
pub(super) fn make(
    by: Recipe,
    paths: &[&Path],
    wanted: &[Wanted<'_>],
    staging: &mut Staging<'_>,
) -> Result<(), Stop> {
    let made = match by {
        Recipe::Omniglot28 => omniglot::shrink_release(paths).map_err(SourceFault::from)?,
    };
    for file in wanted {
        let bytes = made.iter().find(|(name, _)| *name == file.path).map(|(_, bytes)| bytes);
        let bytes = bytes.ok_or(SourceFault::Absent)?;
        staging.receive(*file, file.path, &mut bytes.as_slice())?;
    }
    Ok(())
}

/// Receives the frames of the clips in the tree at `root`, whose videos `decoder` decodes, and the table of
/// the clips.
pub(super) fn from_tree(
    by: video::Set,
    (root, decoder): (&Path, &Path),
    wanted: &[Wanted<'_>],
    staging: &mut Staging<'_>,
) -> Result<(), Stop> {
    let mut stream = video::open(by, root, decoder).map_err(SourceFault::from)?;
    let (tables, frames): (Vec<&Wanted<'_>>, Vec<_>) =
        wanted.iter().partition(|file| file.path.ends_with(".tsv"));
    for file in frames {
        if let Err(stop) = staging.receive(*file, file.path, &mut stream) {
            return Err(stream.fault().map_or(stop, |fault| SourceFault::from(fault).into()));
        }
    }
    // The table knows the clips that were read.
    io::copy(&mut stream, &mut io::sink()).map_err(SourceFault::Unpack)?;
    let table = video::write(by, stream.clips());
    tables.into_iter().try_for_each(|file| staging.receive(*file, file.path, &mut table.as_bytes()))
}
