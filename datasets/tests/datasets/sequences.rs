//! Silhouettes as the mirror has them.

use datasets::{Store, weizmann};
use tempfile::TempDir;

use crate::mirror::mirror;

#[test]
fn the_mirrors_silhouettes_are_of_nine_people() {
    let Some(mirror) = mirror("weizmann") else { return };
    let cache = TempDir::new().unwrap();
    let found = weizmann::load(&Store::new(cache.path(), Some(&mirror), true)).unwrap();
    assert_eq!(found.clips.len(), 93);
    let mut people: Vec<&str> = found.clips.iter().map(|clip| &clip.person[..]).collect();
    people.sort_unstable();
    people.dedup();
    assert_eq!(people.len(), 9);
    assert!((0..10).all(|action| found.clips.iter().any(|clip| clip.action == action)));
    let frames = found.clips.iter().map(|clip| clip.frames);
    assert_eq!((frames.clone().min(), frames.max()), (Some(28), Some(146)));
    // A person covers some of the picture.
    let light: u32 = found.shrunk(0, 3).into_iter().map(u32::from).sum();
    let share = f64::from(light) / (255.0 * 48.0 * 60.0);
    assert!((0.01..0.3).contains(&share), "{share}");
}
