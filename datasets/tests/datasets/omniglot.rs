//! Omniglot out of archives that are made here, as large as the released ones, from a server.

use std::sync::LazyLock;

use datasets::{Digest, Manifest, Store, omniglot};

use crate::server::{Asked, Server, answer, rest, whole};
use crate::support::{Place, Zip};

const SIDE: usize = 28;
/// Sets with alphabets and their characters.
const SETS: [(&str, [(&str, usize); 2]); 2] = [
    ("images_background", [("Greek", 500), ("Latin", 464)]),
    ("images_evaluation", [("Gurmukhi", 100), ("Tibetan", 559)]),
];

/// Everything of the released layout: the archives, and what they have to become.
struct Release {
    background: Vec<u8>,
    evaluation: Vec<u8>,
    images: Vec<u8>,
    index: Vec<u8>,
}

/// Drawing `number` of all: a bar across whose place says so, row-major with 1 for ink.
fn ink(number: usize) -> Vec<bool> {
    (0..SIDE * SIDE)
        .map(|at| at / SIDE == number % SIDE && at % SIDE <= number / SIDE % SIDE)
        .collect()
}

fn png(ink: &[bool]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = SIDE as u32;
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let grey: Vec<u8> = ink.iter().map(|&ink| if ink { 0 } else { 255 }).collect();
    encoder.write_header().unwrap().write_image_data(&grey).unwrap();
    bytes
}

static RELEASE: LazyLock<Release> = LazyLock::new(|| {
    let count = (964 + 659) * 20u32;
    let mut images = vec![0, 0, 8, 3];
    images.extend([count, 28, 28].iter().flat_map(|extent| extent.to_be_bytes()));
    let (mut number, mut index, mut archives) = (0, String::new(), Vec::new());
    let pictures: Vec<_> =
        (0..SIDE * SIDE).map(|number| (ink(number), png(&ink(number)))).collect();
    for (set, alphabets) in SETS {
        let mut members = Vec::new();
        for (alphabet, characters) in alphabets {
            for character in 1..=characters {
                let character = format!("character{character:03}");
                for drawer in 1..=20 {
                    let file = format!("{number:05}_{drawer:02}.png");
                    let (ink, picture) = &pictures[number % pictures.len()];
                    index += &format!("{set}\t{alphabet}\t{character}\t{file}\n");
                    images.extend(ink.iter().map(|&ink| if ink { 255 } else { 0 }));
                    members.push((format!("{set}/{alphabet}/{character}/{file}"), picture));
                    number += 1;
                }
            }
        }
        // The order in an archive says nothing, and a system may have left files of its own.
        members.reverse();
        let mut zip = Zip::default();
        zip.folder(set).file(&format!("{set}/.DS_Store"), b"x");
        zip.file(&format!("__MACOSX/{set}/Greek/character001/._1.png"), b"x");
        members.iter().for_each(|(path, bytes)| {
            zip.file(path, bytes);
        });
        archives.push(zip.bytes());
    }
    let evaluation = archives.pop().unwrap();
    let background = archives.pop().unwrap();
    Release { background, evaluation, images, index: index.into_bytes() }
});

fn archive(asked: &Asked) -> &'static [u8] {
    match asked.path.as_str() {
        "/images_background.zip" => &RELEASE.background,
        _ => &RELEASE.evaluation,
    }
}

/// A store whose Omniglot comes from `server`.
fn store(place: &Place, server: &Server, images: &[u8], index: &[u8]) -> Store {
    let file = |path: &str, bytes: &[u8]| {
        format!("{{ path: {path}, bytes: {}, sha256: {} }}", bytes.len(), Digest::of(bytes))
    };
    let (one, two) = (server.url("images_background.zip"), server.url("images_evaluation.zip"));
    let manifest = format!(
        "{{ name: omniglot28, version: 1, summary: x, licence: MIT, citation: x, \
         sources: [{{ from: made, by: omniglot28, of: ['{one}', '{two}'], bytes: 50000000 }}], \
         files: [{}, {}] }}",
        file("omniglot28-images-idx3-ubyte", images),
        file("omniglot28-index.tsv", index),
    );
    let manifest = Manifest::parse("omniglot28.yaml", &manifest).unwrap();
    Store::new(&place.cache(), None, false).with_manifest(manifest)
}

#[test]
fn the_released_archives_become_the_data_set_also_after_an_interruption() {
    let server = Server::start(|count, asked| {
        let body = archive(asked);
        match (count, asked.start()) {
            (0, _) => answer("200 OK", "ETag: \"v1\"\r\n", body.len(), &body[..body.len() / 3]),
            (_, Some(start)) => rest(body, start, body.len()),
            _ => whole(body),
        }
    });
    let place = Place::new();
    let drawings =
        omniglot::load(&store(&place, &server, &RELEASE.images, &RELEASE.index)).unwrap();
    assert_eq!(drawings.pixels, RELEASE.images[16..]);
    assert_eq!(drawings.alphabets.len(), 4);
    assert_eq!(drawings.alphabets[3].characters.len(), 559);
    let starts: Vec<_> = server.asked().iter().map(Asked::start).collect();
    assert_eq!(starts, [None, Some(RELEASE.background.len() / 3), None]);
    assert_eq!(place.kept().len(), 3, "{:?}", place.kept());
}

#[test]
fn other_drawings_are_refused_by_their_sum() {
    let server = Server::start(|_, asked| whole(archive(asked)));
    let mut images = RELEASE.images.clone();
    images[16] ^= 1;
    let place = Place::new();
    let error = store(&place, &server, &images, &RELEASE.index).open("omniglot28").unwrap_err();
    let said = server.anonymous(&place, error);
    let wanted = format!(
        "http://SERVER/images_background.zip and http://SERVER/images_evaluation.zip: \
         omniglot28-images-idx3-ubyte: wanted sha256 {}, found {}",
        Digest::of(&images),
        Digest::of(&RELEASE.images)
    );
    assert!(said.contains(&wanted), "{said}");
    assert_eq!(place.kept(), [""; 0]);
}

#[test]
fn archives_that_are_not_as_released_say_where() {
    let told = |edit: &dyn Fn(&mut Zip)| {
        let mut zip = Zip::default();
        edit(&mut zip);
        let body = zip.bytes();
        let server = Server::start(move |_, _| whole(&body));
        let place = Place::new();
        let error = store(&place, &server, b"images", b"index").open("omniglot28").unwrap_err();
        assert_eq!(place.kept(), [""; 0]);
        server.anonymous(&place, error).lines().last().unwrap().to_owned()
    };
    let drawing = png(&ink(0));
    let place = |drawer: usize| format!("images_background/Greek/character01/1_{drawer:02}.png");
    let twenty = |zip: &mut Zip| {
        (1..=20).for_each(|drawer| {
            zip.file(&place(drawer), &drawing);
        });
    };
    let said = [
        told(&|zip| twenty(zip)),
        told(&|zip| {
            zip.file(&place(1), &drawing);
        }),
        told(&|zip| {
            zip.file(&place(1), b"no picture");
        }),
        told(&|zip| {
            zip.link(&place(1), "/etc/hostname");
        }),
        told(&|zip| {
            zip.file("images_background/../../../1_01.png", &drawing);
        }),
    ];
    insta::assert_snapshot!(said.join("\n"));
}
