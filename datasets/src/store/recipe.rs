//! Makes files that no source has.

use std::path::Path;

use super::receive::{Staging, Stop};
use crate::error::SourceFault;
use crate::manifest::{Recipe, Wanted};
use crate::omniglot;

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
