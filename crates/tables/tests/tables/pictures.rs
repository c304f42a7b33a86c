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
    assert!(!page.contains("are links or no pictures"));
}

#[test]
fn links_pipes_and_large_files_are_refused_and_counted() {
    let (store, _, folder) = with_artifacts();
    let secret = store.path().join("secret.png");
    fs::write(&secret, png(1, 1)).unwrap();
    symlink(&secret, folder.join("link.png")).unwrap();
    fs::write(folder.join("large.jpg"), vec![0xff; (32 << 20) + 1]).unwrap();
    fs::write(folder.join("text.png"), "no picture").unwrap();
    fs::create_dir(folder.join("folder.png")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(folder.join("pipe.png")).status();
    assert!(pipe.unwrap().success());
    let page = render(store.path(), Vec::new()).unwrap();
    assert!(!page.contains("data:image/"), "nothing of these is embedded");
    assert!(page.contains("0 of 5 pictures; 5 are links or no pictures"), "{page}");
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

/// A picture of so many pixels in a few bytes: the file ends where its pixels would begin.
fn header_only(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(1, 1);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = bytes[12..29].iter().fold(!0_u32, |sum, byte| {
        let mixed = sum ^ u32::from(*byte);
        (0..8).fold(mixed, |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
    bytes
}

#[test]
fn pictures_of_many_pixels_are_made_smaller_or_named() {
    let (store, run, folder) = with_artifacts();
    fs::write(folder.join("huge.png"), header_only(20_000, 20_000)).unwrap();
    fs::write(folder.join("large.png"), png(4000, 3000)).unwrap();
    fs::write(folder.join("small.png"), png(40, 30)).unwrap();
    let page = render(store.path(), Vec::new()).unwrap();
    let huge = format!("20000 × 20000 pixels, artifacts/{}/huge.png", run.run);
    assert!(page.contains(&format!("<li>{huge}</li>")), "{page}");
    assert!(page.contains("alt=\"large.png of run"));
    assert!(page.contains("width=\"1600\" height=\"1200\""), "a smaller copy");
    assert!(page.contains(&format!(
        "a smaller copy of 4000 × 3000 pixels, artifacts/{}/large.png",
        run.run
    )));
    assert!(page.contains("width=\"40\" height=\"30\""), "as it is");
    assert!(page.contains("2 of 3 pictures"));
}

#[test]
fn a_picture_opens_in_the_page_without_a_script() {
    let (store, _, folder) = with_artifacts();
    fs::write(folder.join("a.png"), png(4, 3)).unwrap();
    let page = render(store.path(), Vec::new()).unwrap();
    assert!(page.contains("<figure id=\"s1-i1\" class=\"picture\""));
    assert!(page.contains("href=\"#s1-i1\"") && page.contains("href=\"#s1-pictures\">close</a>"));
}
