//! Data sets that the user brings, in made-up folders.

use std::fs;

use datasets::translations::IWSLT14;
use datasets::{Store, timit};
use tempfile::TempDir;

/// A mirror and a cache.
struct Place {
    mirror: TempDir,
    cache: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { mirror: TempDir::new().unwrap(), cache: TempDir::new().unwrap() }
    }

    fn store(&self) -> Store {
        Store::new(self.cache.path(), Some(self.mirror.path()), true)
    }

    /// Puts a file into the folder of a data set.
    fn put(&self, path: &str, content: &str) {
        let path = self.mirror.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn a_folder_of_parallel_texts_is_read_both_ways_and_recorded() {
    let place = Place::new();
    for (stem, de, en) in [
        ("train", "ein haus\nzwei häuser\n", "one house\ntwo houses\n"),
        ("valid", "drei\n", "three\n"),
        ("test", "vier\n", "four\n"),
    ] {
        place.put(&format!("iwslt14/{stem}.de"), de);
        place.put(&format!("iwslt14/{stem}.en"), en);
    }
    let [train, valid, test] = IWSLT14.load(&place.store(), None, false).unwrap();
    assert_eq!((train.len(), valid.len(), test.len()), (2, 1, 1));
    assert_eq!((train[1].source.as_str(), train[1].target.as_str()), ("zwei häuser", "two houses"));
    let [train, ..] = IWSLT14.load(&place.store(), Some(1), true).unwrap();
    assert_eq!((train.len(), train[0].source.as_str()), (1, "one house"));
    // Another file in its place is noticed once the first one is no longer in the cache.
    fs::remove_dir_all(place.cache.path().join("datasets/iwslt14")).unwrap();
    place.put("iwslt14/test.en", "five\n");
    let error = IWSLT14.load(&place.store(), None, false).unwrap_err().to_string();
    assert!(
        error.contains("test.en is not what was recorded when it was fetched first"),
        "{error}"
    );
}

#[test]
fn what_is_missing_is_told_with_where_to_get_it_and_where_to_put_it() {
    let place = Place::new();
    place.put("iwslt14/train.de", "a\n");
    let error = place.store().fetch("iwslt14", &mut ()).unwrap_err().to_string();
    let folder = place.mirror.path().join("iwslt14");
    let wanted = format!(
        "to be put into {}: train.en, valid.de, valid.en, test.de, test.en",
        folder.display()
    );
    assert!(error.contains("5 of 6 files are missing"), "{error}");
    assert!(
        error.contains("to be got by yourself: de-en.tgz") && error.contains(&wanted),
        "{error}"
    );
    let error = Store::new(place.cache.path(), None, true).fetch("timit", &mut ()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("LDC93S1 from catalog.ldc.upenn.edu"), "{error}");
    assert!(error.contains("into the folder timit of a mirror: timit.tar\n"), "{error}");
    assert!(error.ends_with("can be given by --mirror or REGIMEN_MIRROR"), "{error}");
    place.put("timit/timit.tar", "no archive");
    let error = timit::load(&place.store()).unwrap_err().to_string();
    assert!(error.starts_with("timit.tar: wanted "), "{error}");
}
