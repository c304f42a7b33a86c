//! Omniglot as the mirror has it.

use datasets::{Store, omniglot};
use tempfile::TempDir;

use crate::mirror::mirror;

#[test]
fn the_mirrors_omniglot_has_every_character_twenty_times() {
    let Some(mirror) = mirror("omniglot28") else { return };
    let cache = TempDir::new().unwrap();
    let drawings = omniglot::load(&Store::new(cache.path(), Some(&mirror), true)).unwrap();
    assert_eq!(drawings.alphabets.len(), 50);
    let characters: Vec<_> = drawings.alphabets.iter().flat_map(|a| &a.characters).collect();
    assert_eq!(characters.len(), 1623);
    assert!(characters.iter().all(|character| character.drawings.len() == 20));
    let most = drawings.alphabets.iter().map(|a| a.characters.len()).max();
    assert_eq!(most, Some(55));
    let ink = drawings.drawing(0).iter().filter(|&&value| value > 128).count();
    assert!((20..300).contains(&ink), "{ink} of 784 pixels are ink");
}
