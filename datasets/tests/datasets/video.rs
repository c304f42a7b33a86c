//! Trees of UCF-Sports and Hollywood2, small ones in the released layout.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use datasets::video::{self, BYTES, FRAMES, SIDE, Set};
use datasets::{Error, Store};
use tempfile::TempDir;

/// A picture of one colour.
fn picture(path: &Path, [width, height]: [u32; 2], colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixels = colour.repeat((width * height) as usize);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

struct Place {
    cache: TempDir,
    mirror: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { cache: TempDir::new().unwrap(), mirror: TempDir::new().unwrap() }
    }

    fn store(&self) -> Store {
        Store::new(self.cache.path(), Some(self.mirror.path()), true)
    }

    /// Frames of a clip of UCF-Sports, of sizes of their own.
    fn sports(&self, clip: &str, frames: u32) {
        for frame in 1..=frames {
            let path = format!("ucf-sports/ucf action/{clip}/frame_{frame}.png");
            let extent = [31 + frame, 17];
            picture(&self.mirror.path().join(path), extent, [frame as u8, 100, 200]);
        }
    }

    fn told(&self, set: Set) -> String {
        let Err(Error::Fetch { attempts, .. }) = video::load(&self.store(), set) else {
            panic!("it is refused");
        };
        attempts.last().unwrap().reason.to_string()
    }
}

#[test]
fn the_first_third_of_each_action_is_the_test_and_views_are_one_action() {
    let place = Place::new();
    for clip in ["Golf-Swing-Side/001", "Golf-Swing-Back/002", "Golf-Swing-Front/010"] {
        place.sports(clip, 2);
    }
    place.sports("Golf-Swing-Front/009", 40);
    place.sports("Diving-Side/001", 1);
    fs::create_dir_all(place.mirror.path().join("ucf-sports/ucf action/Diving-Side/001/gt"))
        .unwrap();
    let found = video::load(&place.store(), Set::UcfSports).unwrap();
    let said: Vec<(&str, bool, usize)> =
        found.clips.iter().map(|clip| (&clip.name[..], clip.test, clip.frames)).collect();
    let wanted = [
        ("Diving-Side/001", false, 1),
        ("Golf-Swing-Back/002", true, 2),
        ("Golf-Swing-Front/009", false, FRAMES),
        ("Golf-Swing-Front/010", false, 2),
        ("Golf-Swing-Side/001", false, 2),
    ];
    assert_eq!(said, wanted);
    assert_eq!((found.clips[0].classes[0], found.clips[1].classes[0]), (0, 1));
    assert_eq!(found.frames.len(), (7 + FRAMES) * BYTES);
    // Frames are in the order of their numbers: 1 to 40, of which the last is taken.
    let clip = &found.clips[2];
    let red = |frame: usize| found.frames[(clip.first + frame) * BYTES];
    assert_eq!((red(0), red(1), red(31)), (1, 2, 40));
    let plane = SIDE * SIDE;
    assert!(found.frames[plane..2 * plane].iter().all(|&value| value == 100));
    // What came first is recorded: another tree is refused.
    place.sports("Diving-Side/002", 1);
    fs::remove_dir_all(place.cache.path().join("datasets/ucf-sports")).unwrap();
    assert!(matches!(video::load(&place.store(), Set::UcfSports), Err(Error::Changed { .. })));
}

#[test]
fn frames_that_cannot_be_read_are_named() {
    let place = Place::new();
    for number in 1..=3 {
        place.sports(&format!("Lifting/00{number}"), 3);
    }
    let bad = place.mirror.path().join("ucf-sports/ucf action/Lifting/002/frame_2.png");
    let whole = fs::read(&bad).unwrap();
    fs::write(&bad, &whole[..whole.len() / 2]).unwrap();
    let told = place.told(Set::UcfSports);
    assert!(told.contains("Lifting/002/frame_2.png: wanted a frame as a whole JPEG"), "{told}");
    fs::write(&bad, whole).unwrap();
    let empty = place.mirror.path().join("ucf-sports/ucf action/Lifting/003");
    fs::remove_dir_all(&empty).unwrap();
    fs::create_dir(&empty).unwrap();
    let told = place.told(Set::UcfSports);
    assert!(told.ends_with("Lifting/003: wanted frames as JPEG or PNG, or a video, found neither"));
    fs::rename(&empty, empty.parent().unwrap().with_file_name("Jumping")).unwrap();
    let told = place.told(Set::UcfSports);
    assert!(told.contains("Jumping: wanted one of Diving-Side, Golf"), "{told}");
}

#[test]
fn a_tree_that_is_not_there_is_said_how_to_get() {
    let place = Place::new();
    assert_eq!(place.told(Set::UcfSports), "they are not here");
    let told = place.store().open("ucf-sports").unwrap_err().to_string();
    assert!(told.contains("to be got by yourself: ucf_sports_actions.zip (1.7 GB) from"), "{told}");
    assert!(told.contains("\"ucf action/Diving-Side/001/\""), "{told}");
    let into = format!("to be put into {}", place.mirror.path().join("ucf-sports").display());
    assert!(told.lines().any(|line| line.trim() == into), "{told}");
    assert!(!place.store().is_mirrored("ucf-sports").unwrap());
    place.sports("Lifting/001", 1);
    assert!(place.store().is_mirrored("ucf-sports").unwrap());
    let nowhere = Store::new(place.cache.path(), None, true);
    let told = nowhere.open("hollywood2").unwrap_err().to_string();
    assert!(told.contains("Hollywood2-actions.tar.gz"), "{told}");
    assert!(told.contains("to be put into the folder hollywood2 of a mirror"), "{told}");
}

/// The lists of Hollywood2: of each clip the classes that it is of.
fn lists(root: &Path, clips: &[(&str, &[&str])]) {
    fs::create_dir_all(root.join("ClipSets")).unwrap();
    for class in Set::Hollywood2.classes() {
        for part in ["train", "test"] {
            let of = |classes: &[&str]| if classes.contains(class) { "1" } else { "-1" };
            let ours = clips.iter().filter(|(name, _)| name.contains(part));
            let text: String =
                ours.map(|(name, classes)| format!("{name}  {}\n", of(classes))).collect();
            fs::write(root.join(format!("ClipSets/{class}_{part}.txt")), text).unwrap();
        }
    }
}

#[test]
fn clips_of_hollywood2_are_of_any_number_of_classes() {
    let place = Place::new();
    let root = place.mirror.path().join("hollywood2/Hollywood2");
    let clips: [(&str, &[&str]); 3] = [
        ("actioncliptrain00002", &["Run", "GetOutCar"]),
        ("actioncliptrain00001", &["Kiss"]),
        ("actioncliptest00001", &[]),
    ];
    lists(&root, &clips);
    for (name, _) in &clips[..2] {
        picture(&root.join(format!("AVIClips/{name}/1.png")), [40, 30], [9, 8, 7]);
    }
    let told = place.told(Set::Hollywood2);
    assert!(told.contains("AVIClips/actioncliptest00001: wanted a folder of the frames"), "{told}");
    picture(&root.join("AVIClips/actioncliptest00001/1.png"), [40, 30], [9, 8, 7]);
    let found = video::load(&place.store(), Set::Hollywood2).unwrap();
    let said: Vec<(&str, bool, &[usize])> =
        found.clips.iter().map(|clip| (&clip.name[..], clip.test, &clip.classes[..])).collect();
    let wanted: [(&str, bool, &[usize]); 3] = [
        ("actioncliptrain00001", false, &[7]),
        ("actioncliptrain00002", false, &[4, 8]),
        ("actioncliptest00001", true, &[]),
    ];
    assert_eq!(said, wanted);
}

#[test]
fn videos_are_decoded_by_ffmpeg_or_say_that_it_is_wanted() {
    let place = Place::new();
    place.sports("Lifting/001", 1);
    place.sports("Lifting/002", 1);
    let video = place.mirror.path().join("ucf-sports/ucf action/Lifting/003/1.avi");
    fs::create_dir_all(video.parent().unwrap()).unwrap();
    fs::write(&video, "two frames").unwrap();
    let told = place.told(Set::UcfSports);
    let wanted = ["003/1.avi: wanted a folder of frames", "003/1.avi: wanted a video that ffmpeg"];
    assert!(wanted.iter().any(|wanted| told.contains(wanted)), "{told}");
    // A program that gives two frames, as ffmpeg would.
    let program = place.mirror.path().join("decoder");
    let text = format!("#!/bin/sh\nhead -c {} /dev/zero | tr '\\000' '\\005'\n", 2 * BYTES);
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let found = video::load(&place.store().with_decoder(&program), Set::UcfSports).unwrap();
    assert_eq!(found.clips.last().map(|clip| clip.frames), Some(2));
    assert!(found.frames[2 * BYTES..].iter().all(|&value| value == 5));
}
