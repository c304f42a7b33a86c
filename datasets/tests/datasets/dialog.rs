//! The released files and the generator, side by side.

use std::collections::BTreeSet;

use datasets::Store;
use datasets::babi_dialog::{
    ACTORS, DATASET, PLACES, POLICY_ACCURACIES, Regime, Split, Story, file_name, generate, read,
    released, write,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::mirror::mirror;
use crate::rates::{Rates, assert_follows, forms};
use crate::support::Place;

/// Measured in the released files; `the_recorded_rates_are_the_released_files` holds it to them.
const RATES: &str = include_str!("released_rates.tsv");
/// The forms of their lines, by group.
const FORMS: &str = include_str!("released_forms.txt");

/// The stories that stand for one kind of file.
struct Kind {
    regime: Regime,
    policy_accuracy: f64,
    split: Split,
}

impl Kind {
    /// Every kind of training file, and test files for one policy.
    fn all() -> Vec<Self> {
        let mut kinds = Vec::new();
        for regime in Regime::ALL {
            for policy_accuracy in POLICY_ACCURACIES {
                kinds.push(Self { regime, policy_accuracy, split: Split::Train });
            }
            kinds.push(Self { regime, policy_accuracy: 0.5, split: Split::Test });
        }
        kinds
    }

    fn group(&self) -> String {
        let Self { regime, policy_accuracy, split } = self;
        match split {
            Split::Train => format!("p{policy_accuracy} {}", regime.code()),
            _ => format!("{} {}", split.code(), regime.code()),
        }
    }

    fn generated(&self, stories: usize, seed: u64) -> Vec<Story> {
        let accuracy = if self.split == Split::Train { self.policy_accuracy } else { 1.0 };
        let key = seed * 1000 + u64::from(self.regime.number());
        generate(self.regime, accuracy, stories, |index| {
            let mut rng = ChaCha8Rng::seed_from_u64(key);
            rng.set_stream(index);
            rng
        })
    }
}

/// Rates and forms of whatever `stories` gives for every kind.
fn measure(mut stories: impl FnMut(&Kind) -> Vec<Story>) -> (Rates, String) {
    let (mut rates, mut lines) = (Rates::default(), BTreeSet::new());
    for kind in Kind::all() {
        let group = kind.group();
        let stories = stories(&kind);
        for story in &stories {
            assert_follows(kind.regime, story);
            rates.add_answers(&group, story);
            // Every file of a split has the same statements and questions.
            if kind.regime == Regime::ImitatingExpert && kind.policy_accuracy == 0.5 {
                rates.add_scenes("statements and questions", story);
            }
        }
        let (split, regime) = (kind.split.code(), kind.regime.code());
        let some = &stories[..stories.len().min(600)];
        lines.extend(forms(some).iter().map(|form| format!("{split} {regime}\t{form}\n")));
    }
    (rates, lines.into_iter().collect())
}

fn opened(test: &str) -> Option<(Place, Store)> {
    let mirror = mirror(test)?;
    let place = Place::new();
    let store = Store::new(&place.cache(), Some(&mirror), true);
    Some((place, store))
}

#[test]
fn every_released_file_is_written_as_it_was_read() {
    let Some((_place, store)) = opened("every_released_file_is_written_as_it_was_read") else {
        return;
    };
    let dir = store.open(DATASET).unwrap();
    assert_eq!(store.verify(DATASET).unwrap().faults, []);
    let files = &dir.manifest().files;
    assert_eq!(files.len(), 90);
    for file in files {
        let bytes = dir.read(&file.path).unwrap();
        let stories = read(&file.path, &bytes).unwrap();
        assert!(write(&stories).as_bytes() == bytes, "{}", file.path);
    }
}

#[test]
fn released_stories_have_the_published_sizes_and_share_their_questions() {
    let test = "released_stories_have_the_published_sizes_and_share_their_questions";
    let Some((_place, store)) = opened(test) else { return };
    for (split, size) in Split::ALL.into_iter().zip([200, 20, 200]) {
        let mut told = BTreeSet::new();
        for regime in Regime::ALL {
            for accuracy in POLICY_ACCURACIES {
                let stories = released(&store, regime, accuracy, split).unwrap();
                assert_eq!(stories.len(), size);
                stories.iter().for_each(|story| assert_follows(regime, story));
                let turns = stories.into_iter().flat_map(|story| story.turns);
                told.insert(turns.map(|t| (t.statements, t.question)).collect::<Vec<_>>());
            }
        }
        assert_eq!(told.len(), 1, "{split:?}");
    }
}

#[test]
fn the_recorded_rates_are_the_released_files() {
    let Some((_place, store)) = opened("the_recorded_rates_are_the_released_files") else {
        return;
    };
    let (rates, forms) = measure(|kind| {
        let mut stories = released(&store, kind.regime, kind.policy_accuracy, kind.split).unwrap();
        if kind.regime == Regime::ImitatingExpert {
            return stories;
        }
        // The test files of the three policies differ only in what the teacher happens to say.
        if kind.split == Split::Test {
            for accuracy in [0.1, 0.01] {
                stories.extend(released(&store, kind.regime, accuracy, kind.split).unwrap());
            }
        }
        stories
    });
    assert!(rates.table() == RATES, "released_rates.tsv should be\n{}", rates.table());
    assert!(forms == FORMS, "released_forms.txt should be\n{forms}");
}

#[test]
fn generated_stories_have_the_released_rates_and_exactly_their_forms() {
    let (rates, forms) = measure(|kind| kind.generated(3000, 1));
    let differences = rates.differences(&Rates::parse(RATES));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(forms == FORMS, "{forms}");
}

#[test]
fn the_rates_tell_other_rules_from_the_released_ones() {
    let recorded = Rates::parse(RATES);
    let differing = |change: &dyn Fn(&mut Story)| {
        let (rates, _) = measure(|kind| {
            let mut stories = kind.generated(300, 2);
            stories.iter_mut().for_each(change);
            stories
        });
        rates.differences(&recorded)
    };
    assert_eq!(differing(&|_| {}), [""; 0]);
    let rewarded = differing(&|story| {
        story.turns.iter_mut().filter_map(|turn| turn.reply.as_mut()).for_each(|reply| {
            reply.reward |= !reply.text.starts_with("No") && reply.text.contains("orrect");
        });
    });
    assert!(!rewarded.is_empty());
    assert!(rewarded.iter().all(|line| line.contains("rewarded")), "{rewarded:?}");
}

#[test]
fn generated_files_read_back() {
    for kind in Kind::all() {
        let stories = kind.generated(50, 3);
        let name = file_name(kind.regime, kind.policy_accuracy, kind.split).unwrap();
        assert_eq!(read(&name, write(&stories).as_bytes()).unwrap(), stories);
    }
}

#[test]
fn the_vocabulary_is_the_released_files() {
    let Some((_place, store)) = opened("the_vocabulary_is_the_released_files") else { return };
    let words = |stories: &[Story]| -> BTreeSet<String> {
        write(stories).split_whitespace().map(str::to_owned).collect()
    };
    for kind in Kind::all() {
        let real = released(&store, kind.regime, kind.policy_accuracy, kind.split).unwrap();
        assert_eq!(words(&kind.generated(300, 4)), words(&real), "{}", kind.group());
        assert!(ACTORS.iter().all(|actor| words(&real).contains(*actor)));
        assert!(PLACES.iter().all(|place| words(&real).contains(*place)));
    }
}
