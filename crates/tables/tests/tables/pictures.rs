//! Files that runs left, on the page.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use experiment::Better;
use journal::RunSpec;
use tables::{Asked, Error, Request, Subject};
use tempfile::{TempDir, tempdir};

use crate::{
    fixture::{Story, dialog},
    report::{assert_in_order, assert_inert, render, render_at},
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
    assert!(!page.contains("Not shown:"));
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
    assert!(page.contains("0 of 5 pictures."), "{page}");
    for told in [
        "link.png: it is a link",
        "large.jpg: it is larger than 32 MiB",
        "text.png: it cannot be decoded: ",
        "folder.png: it is no file",
        "pipe.png: it is no file",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
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

/// A picture that hardly becomes shorter when it is packed.
pub(crate) fn noise(side: u32, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let pixels = (0..3 * side * side).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let pixels: Vec<u8> = pixels.collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

#[test]
fn pictures_share_the_room_on_the_page() {
    let (store, _, folder) = with_artifacts();
    // 13 MB, of which 3 MiB are shown.
    for number in 0..16 {
        fs::write(folder.join(format!("{number}.png")), noise(520, number)).unwrap();
    }
    fs::write(folder.join("small.png"), png(16, 16)).unwrap();
    let page = render(store.path(), Vec::new()).unwrap();
    assert_eq!(page.matches("src=\"data:image/jpeg;").count(), 16);
    assert_eq!(page.matches("src=\"data:image/png;").count(), 1, "the small one as it is");
    assert_eq!(page.matches("width=\"520\" height=\"520\"").count(), 16);
    assert!(page.contains("16 of 17 are copies of fewer bytes, the smallest of "), "{page}");
    assert!(page.len() < 10_000_000);
}

#[test]
fn links_lead_from_the_page_to_the_store() {
    let (store, run, folder) = with_artifacts();
    for number in 0..242 {
        fs::write(folder.join(format!("a {number}.png")), png(8, 8)).unwrap();
    }
    let page = render_at(Some(&store.path().join("page.html")), store.path(), Vec::new()).unwrap();
    assert_eq!(page.matches("src=\"data:image/png;").count(), 240);
    assert!(page.contains("240 of 242 pictures."), "{page}");
    let link = format!("href=\"./artifacts/{}/a%20239.png\">8 × 8</a>", run.run);
    assert!(page.contains(&link), "{page}");
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
    let huge = format!("artifacts/{}/huge.png: too large for this page, 20000 × 20000", run.run);
    assert!(page.contains(&format!("<li>{huge} pixels</li>")), "{page}");
    assert!(page.contains("alt=\"large.png of run"));
    assert!(page.contains("width=\"4000\" height=\"3000\""), "the size of the whole");
    assert!(page.contains(&format!(
        "a copy of fewer pixels than artifacts/{}/large.png, 4000 × 3000 pixels",
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

/// Two regimes, three learners, two seeds, all but one with a picture, and a second one of some.
fn sweep(store: &Path) -> Vec<RunSpec> {
    let mut story = Story::new();
    let mut runs = Vec::new();
    // Neither in the order of the table.
    for learner in ["rbi", "imitation", "fp"] {
        for (seed, regime) in [(1, 2), (0, 2), (0, 10), (1, 10)] {
            let run = dialog(regime, learner, seed);
            story.finish(&run, &[("test_accuracy", 1.0)]);
            runs.push(run);
        }
    }
    story.write(store);
    for run in &runs {
        let folder = store.join("artifacts").join(run.run.to_string());
        fs::create_dir_all(&folder).unwrap();
        if !run.params.contains("imitation") || run.params.contains("\"regime\":2") {
            fs::write(folder.join("style \"<b>.png"), png(8, 8)).unwrap();
        }
        if run.params.contains("rbi") {
            fs::write(folder.join("loss.svg"), "<svg xmlns='x'/>").unwrap();
        }
    }
    runs
}

fn by_learner() -> Subject {
    let request = Request {
        rows: vec!["regime".into()],
        columns: vec!["learner".into()],
        value: "test_accuracy".into(),
        better: Some(Better::Higher),
        ..Request::default()
    };
    let tables = vec![Asked { request, ..Asked::default() }];
    Subject { title: "it".into(), experiment: "dialog".into(), tables, ..Subject::default() }
}

#[test]
fn pictures_stand_in_the_order_of_the_table() {
    let store = tempdir().unwrap();
    let runs = sweep(store.path());
    let page = store.path().join("pages/it.html");
    let page = render_at(Some(&page), store.path(), vec![by_learner()]).unwrap();
    assert_inert(&page);
    let of = |regime: u64, learner: &str| {
        let spec = dialog(regime, learner, 0);
        let run = runs.iter().find(|run| run.spec == spec.spec).unwrap();
        format!("artifacts/{}/style%20%22%3Cb%3E.png\">8 × 8</a>", run.run)
    };
    assert_in_order(
        &page,
        &[
            "id=\"s1-g1\">loss.svg</h4>",
            "class=\"sheet n1\"",
            "id=\"s1-g2\">style &#34;&#60;b&#62;.png</h4>",
            "class=\"sheet n3\"",
            "learner →",
            "regime ↓",
            ">fp</th>",
            ">imitation</th>",
            ">rbi</th>",
            ">2</th>",
            "seed 0, and 1 more",
            &format!("href=\"./../{}", of(2, "fp")),
            &of(2, "imitation"),
            &of(2, "rbi"),
            ">10</th>",
            &of(10, "fp"),
            "<span class=\"absent\">–</span>",
            &of(10, "rbi"),
            "A cell shows the picture of its first run; 7 are of others.",
        ],
    );
    assert!(!page.contains("In no table"));
    assert!(
        page.contains("<figure id=\"s1-g2-1-3\"") && page.contains("href=\"#s1-g2\">close</a>")
    );
    // Standard output is nowhere.
    let page = render(store.path(), vec![by_learner()]).unwrap();
    assert!(!page.contains("class=\"whole\""));
}

#[test]
fn rows_alone_stand_side_by_side_and_what_has_no_cell_follows() {
    let store = tempdir().unwrap();
    let runs = sweep(store.path());
    let mut subject = by_learner();
    subject.tables[0].request.rows = vec!["learner".into()];
    subject.tables[0].request.columns = Vec::new();
    let two = |run: &&RunSpec| run.params.contains("\"regime\":2");
    let some = runs.iter().filter(two).map(|run| run.run).collect();
    subject.tables[0].request.selection.runs = Some(some);
    let page = render(store.path(), vec![subject]).unwrap();
    assert_in_order(&page, &["class=\"sheet n3 strip\"", "learner →", ">fp</th>", "In no table"]);
    // Four of regime 10 left the one picture, two of these the other.
    assert_eq!(page.matches("id=\"s1-i").count(), 6);
}

#[test]
fn what_has_no_room_is_a_link() {
    let store = tempdir().unwrap();
    sweep(store.path());
    // Seven cells have a picture, and each of so many sections shows six.
    let page = store.path().join("it.html");
    let page = render_at(Some(&page), store.path(), vec![by_learner(); 40]).unwrap();
    assert_eq!(page.matches("<figure id=").count(), 40 * 6);
    assert_eq!(page.matches("class=\"absent\" href=\"./artifacts/").count(), 40);
    let note = "Without room on this page, links to the store instead: 1.";
    assert_eq!(page.matches(note).count(), 40);
}

#[test]
fn broken_pictures_leave_their_place_and_are_told() {
    let store = tempdir().unwrap();
    let run = sweep(store.path())[1].run.to_string();
    let file = store.path().join("artifacts").join(&run).join("style \"<b>.png");
    let whole = noise(64, 1);
    fs::write(file, &whole[..whole.len() / 2]).unwrap();
    let page = render(store.path(), vec![by_learner()]).unwrap();
    assert!(page.contains("title=\"cannot be shown\""), "{page}");
    assert!(page.contains(&format!(
        "<li>artifacts/{run}/style &#34;&#60;b&#62;.png: it cannot be decoded"
    )));
    assert_inert(&page);
}
