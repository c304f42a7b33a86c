//! Multi30k (Elliott et al. 2016): captions of pictures in English with translations to German and French.

use crate::error::Error;
use crate::parallel::{self, Pair};
use crate::store::Store;

/// The name of the manifest.
pub const DATASET: &str = "multi30k";

/// A language of the captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, which the captions were written in.
    English,
    /// German.
    German,
    /// French.
    French,
}

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// 29,000 captions.
    Train,
    /// 1,014 captions.
    Validation,
    /// The 1,000 captions of `test_2016_flickr`.
    Test,
}

/// The captions of a part in two languages, in their order.
///
/// # Errors
/// What [`Store::open`] says, or a [`Mismatch`](crate::Mismatch) that names file and line.
pub fn load(
    store: &Store,
    part: Part,
    source: Language,
    target: Language,
) -> Result<Vec<Pair>, Error> {
    let stem = match part {
        Part::Train => "train",
        Part::Validation => "val",
        Part::Test => "test_2016_flickr",
    };
    let name = |language| match language {
        Language::English => format!("{stem}.en"),
        Language::German => format!("{stem}.de"),
        Language::French => format!("{stem}.fr"),
    };
    let (dir, source, target) = (store.open(DATASET)?, name(source), name(target));
    let pairs = parallel::read((&source, &dir.read(&source)?), (&target, &dir.read(&target)?))?;
    Ok(pairs)
}
