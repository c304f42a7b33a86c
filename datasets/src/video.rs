//! Films of people in action that users download: UCF-Sports and Hollywood2, as frames of one size.
//!
//! `tree` finds the clips of a released tree, `frames` makes frames of their pictures or videos. Both run when
//! a data set is fetched: a decoder of videos gives other bits elsewhere, so that what it gave is kept and its
//! sum recorded.

mod frames;
mod table;
mod tree;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::mismatch::Mismatch;
use crate::store::Store;

pub(crate) use frames::Stream;
pub(crate) use table::write;

/// Height and width of a frame.
pub const SIDE: usize = 128;
/// Frames of a clip at most: of a longer one so many, at equal distances, its first and its last among them.
pub const FRAMES: usize = 32;
/// Bytes of a frame: red, green and blue, each row by row.
pub const BYTES: usize = 3 * SIDE * SIDE;

/// The table of the clips, and their frames.
const FILES: [&str; 2] = ["clips.tsv", "frames.rgb"];

/// A data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    /// 150 clips, each of one of 10 actions. Of each action the first third is the test (Lan et al. 2011).
    UcfSports,
    /// 1,707 clips, each of any of 12 actions, with the released division.
    Hollywood2,
}

/// A clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Its name, unique in the data set.
    pub name: String,
    /// Whether it is for the test.
    pub test: bool,
    /// Its first frame among all.
    pub first: usize,
    /// Number of its frames.
    pub frames: usize,
    /// Its classes, in ascending order.
    pub classes: Vec<usize>,
}

/// The clips of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clips {
    /// The clips, in the order of their frames.
    pub clips: Vec<Clip>,
    /// `[frames, 3, SIDE, SIDE]`.
    pub frames: Vec<u8>,
}

impl Set {
    /// The name of the manifest.
    pub fn dataset(self) -> &'static str {
        match self {
            Self::UcfSports => "ucf-sports",
            Self::Hollywood2 => "hollywood2",
        }
    }

    /// The names of the classes.
    pub fn classes(self) -> &'static [&'static str] {
        match self {
            Self::UcfSports => &[
                "Diving",
                "Golf-Swing",
                "Kicking",
                "Lifting",
                "Riding-Horse",
                "Run",
                "SkateBoarding",
                "Swing-Bench",
                "Swing-SideAngle",
                "Walk",
            ],
            Self::Hollywood2 => &[
                "AnswerPhone",
                "DriveCar",
                "Eat",
                "FightPerson",
                "GetOutCar",
                "HandShake",
                "HugPerson",
                "Kiss",
                "Run",
                "SitDown",
                "SitUp",
                "StandUp",
            ],
        }
    }

    /// Clips for training and for the test, as released.
    pub fn released(self) -> [usize; 2] {
        match self {
            Self::UcfSports => [103, 47],
            Self::Hollywood2 => [823, 884],
        }
    }

    /// Where the released tree begins, in a folder in which it may lie.
    pub(crate) fn root(self, folder: &Path) -> Option<PathBuf> {
        let (places, has): (&[&str], &str) = match self {
            Self::UcfSports => (&["ucf action", "ucf_sports_actions/ucf action"], ""),
            Self::Hollywood2 => (&["", "Hollywood2"], "ClipSets"),
        };
        let places = places.iter().map(|place| folder.join(place));
        places.into_iter().find(|place| place.join(has).is_dir())
    }
}

/// The clips of a data set.
///
/// # Errors
/// What [`Store::open`] says, or a [`Mismatch`].
pub fn load(store: &Store, set: Set) -> Result<Clips, Error> {
    let dir = store.open(set.dataset())?;
    let [table, frames] = FILES;
    let clips = table::read(set, table, &dir.read(table)?)?;
    let bytes = dir.read(frames)?;
    let count: usize = clips.iter().map(|clip| clip.frames).sum();
    if bytes.len() != count * BYTES {
        let wanted = format!("{} bytes, the {count} frames of {table}", count * BYTES);
        return Err(Mismatch::new(frames, wanted, bytes.len().to_string()).into());
    }
    Ok(Clips { clips, frames: bytes })
}

/// What makes the files of a data set of the tree at `root`, whose videos `decoder` decodes.
///
/// # Errors
/// [`Mismatch`]: a tree of another layout, or a clip without frames.
pub(crate) fn open(set: Set, root: &Path, decoder: &Path) -> Result<Stream, Mismatch> {
    Ok(Stream::new(tree::find(set, root)?, decoder))
}
