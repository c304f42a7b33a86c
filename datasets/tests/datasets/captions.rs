//! The Multi30k captions.

use std::collections::HashSet;

use datasets::Store;
use datasets::multi30k::{self, Language, Part};
use tempfile::TempDir;

use crate::mirror::mirror;

#[test]
fn captions_are_those_of_the_release_and_hardly_shared_between_parts() {
    let Some(mirror) = mirror("multi30k") else { return };
    let cache = TempDir::new().unwrap();
    let store = Store::new(cache.path(), Some(&mirror), true);
    let load = |part, target| multi30k::load(&store, part, Language::English, target).unwrap();
    let train = load(Part::Train, Language::German);
    assert_eq!(train.len(), 29_000);
    assert_eq!(train[0].source, "Two young, White males are outside near many bushes.");
    assert_eq!(
        train[0].target,
        "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche."
    );
    let known: HashSet<&str> = train.iter().map(|pair| pair.source.as_str()).collect();
    let pairs: HashSet<_> = train.iter().collect();
    for (part, count, leaked) in [(Part::Validation, 1014, 1), (Part::Test, 1000, 0)] {
        let held = load(part, Language::German);
        assert_eq!(held.len(), count);
        assert!(!held.iter().any(|pair| pairs.contains(pair)), "{part:?}");
        let captions = held.iter().filter(|pair| known.contains(pair.source.as_str())).count();
        assert_eq!(captions, leaked, "{part:?}");
        assert_eq!(load(part, Language::French).len(), count);
    }
}
