//! Dialog-based Language Learning on bAbI task 1: the released files as typed stories, and a
//! generator that follows the rules measured in them.
//!
//! A story is two statements and a question, five times. A student with a fixed policy answers
//! (rightly with probability `policy_accuracy`, else with a place drawn uniformly), and a teacher
//! replies in one of ten ways, the regimes of Weston 2016, "Dialog-based Language Learning"
//! (arXiv:1604.06045), section 3.
//!
//! The released lines, with `→` for a tab, are
//!
//! ```text
//! 1 Mary moved to the bathroom.→→0                          statement
//! 2 John went to the hallway.→→0                            statement
//! 3 Where is Mary? →garden→0                                question, the student's answer
//! 4 Sorry, that's not it.→Can_you_give_me_a_hint?→0         reply, the student's request
//! 5 bathroom→→0                                             help
//! ```
//!
//! where the last column is a reward. A question that itself carries reward 1 has no reply; a reply
//! has help exactly when the student requests it. Line numbers restart with every story.

mod generate;
mod read;
mod teacher;
mod types;
mod vocabulary;
mod write;

use crate::error::Error;
use crate::store::Store;

pub use generate::{GENERATOR_VERSION, generate};
pub use read::{ReadError, read};
pub use teacher::{Fact, answered, is_expert, supporting_fact};
pub use types::{Regime, Reply, Request, Split, Story, Turn};
pub use vocabulary::{ACTORS, NEGATIVE, PLACES, POSITIVE, REQUEST, VERBS, area};
pub use write::write;

/// The name of the released files' manifest.
pub const DATASET: &str = "babi1-dialog";

/// The policies of the released students.
pub const POLICY_ACCURACIES: [f64; 3] = [0.5, 0.1, 0.01];

/// The released stories of one regime, policy and split.
///
/// Train and test have 200 stories, dev has 20. In dev and test every answer is right.
///
/// # Errors
/// [`Error::PolicyAccuracy`] unless it is one of [`POLICY_ACCURACIES`], what [`Store::open`] says,
/// or a [`ReadError`].
pub fn released(
    store: &Store,
    regime: Regime,
    policy_accuracy: f64,
    split: Split,
) -> Result<Vec<Story>, Error> {
    let file = file_name(regime, policy_accuracy, split)?;
    let bytes = store.open(DATASET)?.read(&file)?;
    Ok(read(&file, &bytes)?)
}

/// The name of a released file, such as `babi1_p0.5_rl2_pos_neg_train.txt`.
///
/// # Errors
/// [`Error::PolicyAccuracy`] unless it is one of [`POLICY_ACCURACIES`].
pub fn file_name(regime: Regime, policy_accuracy: f64, split: Split) -> Result<String, Error> {
    if !POLICY_ACCURACIES.contains(&policy_accuracy) {
        return Err(Error::PolicyAccuracy { found: policy_accuracy });
    }
    Ok(format!("babi1_p{policy_accuracy}_{}_{}.txt", regime.code(), split.code()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifest;

    #[test]
    fn the_manifest_lists_exactly_the_files_of_every_regime_policy_and_split() {
        let mut names = Vec::new();
        for regime in Regime::ALL {
            for accuracy in POLICY_ACCURACIES {
                names.extend(Split::ALL.map(|split| file_name(regime, accuracy, split).unwrap()));
            }
        }
        let manifest = Manifest::named(DATASET).unwrap();
        let listed: Vec<_> = manifest.files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(names, listed);
        assert_eq!(names[9], "babi1_p0.5_rl2_pos_neg_train.txt");
    }

    #[test]
    fn other_policies_were_never_released() {
        let error = file_name(Regime::Hints, 0.25, Split::Dev).unwrap_err().to_string();
        assert_eq!(error, "policy_accuracy: the released files have 0.5, 0.1 and 0.01, found 0.25");
    }
}
