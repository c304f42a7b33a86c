//! Parallel texts that the user brings, as files of tokenised sentences: IWSLT 2014 and WMT 2014.

use std::fs::File;
use std::io::BufReader;

use crate::error::Error;
use crate::parallel::{self, Pair};
use crate::store::{DatasetDir, Store};

/// Parallel texts in two languages: `train.CODE`, `valid.CODE` and `test.CODE` for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The name of the manifest.
    pub dataset: &'static str,
    /// How files of either language end.
    pub languages: [&'static str; 2],
}

/// Talks in German and English.
pub const IWSLT14: Release = Release { dataset: "iwslt14", languages: ["de", "en"] };

/// News and proceedings in English and French.
pub const WMT14: Release = Release { dataset: "wmt14", languages: ["en", "fr"] };

impl Release {
    /// Pairs for training, validation and testing, from the first language to the second one or `reversed`.
    /// Of the training pairs the first `most` are read.
    ///
    /// # Errors
    /// What [`Store::open`] says, or a [`Mismatch`](crate::Mismatch) that names file and line.
    pub fn load(
        &self,
        store: &Store,
        most: Option<usize>,
        reversed: bool,
    ) -> Result<[Vec<Pair>; 3], Error> {
        let dir = store.open(self.dataset)?;
        let [first, second] = self.languages;
        let (source, target) = if reversed { (second, first) } else { (first, second) };
        let part = |stem: &str, most: usize| -> Result<Vec<Pair>, Error> {
            let (source, target) = (format!("{stem}.{source}"), format!("{stem}.{target}"));
            let (read, translated) = (open(&dir, &source)?, open(&dir, &target)?);
            Ok(parallel::read_lines((&source, read), (&target, translated), most)?)
        };
        Ok([
            part("train", most.unwrap_or(usize::MAX))?,
            part("valid", usize::MAX)?,
            part("test", usize::MAX)?,
        ])
    }
}

fn open(dir: &DatasetDir, file: &str) -> Result<BufReader<File>, Error> {
    let path = dir.file(file)?;
    Ok(BufReader::new(File::open(&path).map_err(Error::io("open", &path))?))
}
