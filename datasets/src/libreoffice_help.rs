//! LibreOffice's help pages as parallel sentences: English beside French or German.
//!
//! A Debian package of a language has a page for each path, and each paragraph
//! (`<p id="par_..">`, `<h1 id="hd_..">`) has an id that all languages share. Paragraphs with the same
//! path and id are a pair; the first with its id on a page counts, markup is dropped and white space is
//! made single spaces. Pairs with an empty side, pairs that were not translated (both sides are equal)
//! and repetitions of an earlier pair are left out.
//!
//! The release of Debian 12 (LibreOffice 7.4) gives 33,510 pairs for French and 35,262 for German.

mod page;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::deb;
use crate::error::Error;
use crate::mismatch::Mismatch;
pub use crate::parallel::Pair;
use crate::store::{DatasetDir, Store};

/// The name of the manifest.
pub const DATASET: &str = "libreoffice-help";

/// What English is translated to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// French.
    French,
    /// German.
    German,
}

/// The paragraphs of each page, by path: id and text, in the order of the page.
type Pages = BTreeMap<String, Vec<(String, String)>>;

impl Language {
    /// The folder of its pages, and the end of its package's name.
    fn code(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::German => "de",
        }
    }
}

/// All pairs of English and `language`, in the order of paths (by their bytes) and of the paragraphs on
/// the English page.
///
/// # Errors
/// What [`Store::open`] says, or a [`Mismatch`]: a file that is no such package.
pub fn load(store: &Store, language: Language) -> Result<Vec<Pair>, Error> {
    let dir = store.open(DATASET)?;
    let english = pages(&dir, "libreoffice-help-en-us.deb", "en-US")?;
    let code = language.code();
    let translated = pages(&dir, &format!("libreoffice-help-{code}.deb"), code)?;
    Ok(join(english, &translated))
}

/// The pages of a language out of its package.
fn pages(dir: &DatasetDir, file: &str, folder: &str) -> Result<Pages, Error> {
    let bytes = dir.read(file)?;
    let root = format!("usr/share/libreoffice/help/{folder}/text/");
    let mut pages = Pages::new();
    let wants = |path: &str| path.starts_with(&root) && path.ends_with(".html");
    deb::files(file, &bytes, wants, |path, content| {
        let text = String::from_utf8(content)
            .map_err(|error| Mismatch::new(format!("{file} {path}"), "UTF-8", error.to_string()))?;
        pages.insert(path[root.len()..].into(), page::paragraphs(&text));
        Ok(())
    })?;
    if pages.is_empty() {
        return Err(Mismatch::new(file, format!("pages in {root}"), "none").into());
    }
    Ok(pages)
}

/// Pairs of texts on the same page with the same id.
fn join(english: Pages, translated: &Pages) -> Vec<Pair> {
    let (mut seen, mut pairs) = (HashSet::new(), Vec::new());
    for (path, paragraphs) in english {
        let Some(others) = translated.get(&path) else { continue };
        let mut targets = HashMap::new();
        for (id, text) in others {
            targets.entry(id.as_str()).or_insert(text);
        }
        let mut ids = HashSet::new();
        for (id, source) in paragraphs {
            let Some(&target) = targets.get(id.as_str()) else { continue };
            let pair = Pair { source, target: target.clone() };
            let differs = pair.source != pair.target;
            let whole = !pair.source.is_empty() && !pair.target.is_empty();
            if ids.insert(id) && differs && whole && seen.insert(pair.clone()) {
                pairs.push(pair);
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_joined_by_path_and_id_in_a_fixed_order() {
        let pages = |pages: &[(&str, &[(&str, &str)])]| -> Pages {
            let page = |texts: &[(&str, &str)]| {
                texts.iter().map(|(id, text)| ((*id).into(), (*text).into())).collect()
            };
            pages.iter().map(|(path, texts)| ((*path).into(), page(texts))).collect()
        };
        let english = pages(&[
            ("b.html", &[("2", "two"), ("1", "one"), ("3", "OK"), ("4", ""), ("5", "lost")]),
            ("a.html", &[("1", "first"), ("1", "again"), ("7", "one")]),
            ("c.html", &[("1", "nowhere")]),
        ]);
        let german = pages(&[
            ("a.html", &[("1", "erst"), ("1", "noch einmal"), ("7", "eins")]),
            ("b.html", &[("1", "eins"), ("2", "zwei"), ("3", "OK"), ("4", "leer"), ("6", "neu")]),
        ]);
        let pairs = join(english, &german);
        let texts: Vec<_> = pairs.iter().map(|p| (p.source.as_str(), p.target.as_str())).collect();
        assert_eq!(texts, [("first", "erst"), ("one", "eins"), ("two", "zwei")]);
    }
}
