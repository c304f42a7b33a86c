//! Files that runs left, on the page.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use journal::RunSpec;
use tables::Error;
use tempfile::{TempDir, tempdir};

use crate::{
    fixture::{Story, dialog},
    report::{assert_inert, render},
};

/// A store of one run with a folder for what it left.
fn with_artifacts() -> (TempDir, RunSpec, PathBuf) {
    let store = tempdir().unwrap();
    let run = dialog(1, "fp", 0);
    let mut story = Story::new();
    story.finish(&run, &[("test_accuracy", 1.0)]);
    story.write(store.path());
    let folder = store.path().join("artifacts").join(run.run.to_string());
    fs::create_dir_all(&folder).unwrap();
    (store, run, folder)
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![128; (width * height) as usize]).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn pictures_are_embedded_and_scripts_in_them_are_not_markup() {
    let (store, run, folder) = with_artifacts();
    fs::write(folder.join("style.png"), png(3, 2)).unwrap();
    fs::write(folder.join("a.svg"), "<svg xmlns='x'><script>alert(1)</script></svg>").unwrap();
    fs::write(folder.join("model.bin"), "no picture").unwrap();
    let page = render(store.path(), Vec::new()).unwrap();
    assert_inert(&page);
    let short = &run.run.to_string()[..10];
    let expected = format!("alt=\"style.png of run {short}\" width=\"3\" height=\"2\"");
    assert!(page.contains(&expected), "{page}");
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 1);
    assert_eq!(page.matches("src=\"data:image/svg+xml;base64,").count(), 1);
    assert!(!page.contains("model.bin"));
    assert!(!page.contains("are links, too large"));
}

#[test]
fn links_pipes_and_large_files_are_refused_and_counted() {
    let (store, _, folder) = with_artifacts();
    let secret = store.path().join("secret.png");
    fs::write(&secret, png(1, 1)).unwrap();
    symlink(&secret, folder.join("link.png")).unwrap();
    fs::write(folder.join("large.jpg"), vec![0xff; (1 << 20) + 1]).unwrap();
    fs::write(folder.join("text.png"), "no picture").unwrap();
    fs::create_dir(folder.join("folder.png")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(folder.join("pipe.png")).status();
    assert!(pipe.unwrap().success());
    let page = render(store.path(), Vec::new()).unwrap();
    assert!(!page.contains("data:image/"), "nothing of these is embedded");
    assert!(page.contains("0 of 5 pictures; 5 are links, too large or no pictures"), "{page}");
}

#[test]
fn a_folder_that_is_a_link_is_not_followed() {
    let (store, _, folder) = with_artifacts();
    let outside = tempdir().unwrap();
    fs::write(outside.path().join("secret.png"), png(1, 1)).unwrap();
    fs::remove_dir(&folder).unwrap();
    symlink(outside.path(), &folder).unwrap();
    let page = render(store.path(), Vec::new()).unwrap();
    assert!(!page.contains("data:image/") && !page.contains("secret.png"));
    fs::remove_dir_all(store.path().join("artifacts")).unwrap();
    symlink(outside.path(), store.path().join("artifacts")).unwrap();
    let error = render(store.path(), Vec::new()).unwrap_err();
    assert!(matches!(&error, Error::Io { what: "open", .. }), "{error}");
}

#[test]
fn pictures_stay_within_the_size_of_the_page() {
    let (store, _, folder) = with_artifacts();
    let mut large = png(1, 1);
    large.resize(900 << 10, 0);
    for number in 0..6 {
        fs::write(folder.join(format!("{number}.png")), &large).unwrap();
    }
    let page = render(store.path(), Vec::new()).unwrap();
    assert_eq!(page.matches("src=\"data:").count(), 3, "3 MiB in all");
    assert!(page.contains("3 of 6 pictures"));
    assert!(page.len() < 10_000_000);
}
