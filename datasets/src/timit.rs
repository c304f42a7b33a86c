//! TIMIT (Garofolo et al. 1993): read sentences with their phones, in the split of Kaldi's recipe.
//!
//! The file is an archive of the released folder: `TRAIN` and `TEST`, in them a folder a dialect region
//! (`DR1` to `DR8`), in them a folder a speaker, in them of each sentence `NAME.WAV` and `NAME.PHN`; case is
//! of no account, and so is what lies around. The two sentences that all speakers read (`SA1`, `SA2`) are
//! left out. Training has all speakers of `TRAIN` (3,696 sentences), development 50 speakers of `TEST` (400)
//! and the test the 24 speakers of the core test set (192).

mod features;
mod phones;
mod wave;

use std::collections::BTreeMap;
use std::io::Read;

use tar::Archive;

use crate::error::Error;
use crate::mismatch::Mismatch;
use crate::store::Store;
pub use features::{FEATURES, features};
pub use phones::fold;

/// The name of the manifest.
pub const DATASET: &str = "timit";

const FILE: &str = "timit.tar";

/// Speakers of the development set.
const DEVELOPMENT: &str = "faks0 fdac1 fjem0 mgwt0 mjar0 mmdb1 mmdm2 mpdf0 fcmh0 fkms0 mbdg0 mbwm0 mcsh0 \
    fadg0 fdms0 fedw0 mgjf0 mglb0 mrtk0 mtaa0 mtdt0 mthc0 mwjg0 fnmr0 frew0 fsem0 mbns0 mmjr0 mdls0 mdlf0 \
    mdvc0 mers0 fmah0 fdrw0 mrcs0 mrjm4 fcal1 mmwh0 fjsj0 majc0 mjsw0 mreb0 fgjd0 fjmg0 mroa0 mteb0 mjfc0 \
    mrjr0 fmml0 mrws1";
/// Speakers of the core test set: two men and a woman of each dialect region.
const CORE: &str = "mdab0 mwbt0 felc0 mtas1 mwew0 fpas0 mjmp0 mlnt0 fpkt0 mlll0 mtls0 fjlm0 mbpm0 mklt0 \
    fnlp0 mcmj0 mjdh0 fmgd0 mgrt0 mnjm0 fdhc0 mjln0 mpam0 fmld0";
/// Bytes of a file within the archive, at most.
const MOST: u64 = 10_000_000;

/// A sentence that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// Region, speaker and sentence, as in `dr1/fcjf0/si1027`.
    pub name: String,
    /// 16,000 samples a second.
    pub samples: Vec<i16>,
    /// Names of its phones, of 61 kinds, with the silence at both ends.
    pub phones: Vec<String>,
}

/// The two files of a sentence.
#[derive(Default)]
struct Files {
    wave: Option<(String, Vec<u8>)>,
    phones: Option<(String, Vec<u8>)>,
}

/// Sentences for training, development and the test, by their names.
///
/// # Errors
/// What [`Store::open`] says, or a [`Mismatch`], as [`read`] has it.
pub fn load(store: &Store) -> Result<[Vec<Utterance>; 3], Error> {
    let path = store.open(DATASET)?.file(FILE)?;
    let file = std::fs::File::open(&path).map_err(Error::io("open", &path))?;
    Ok(read(FILE, std::io::BufReader::new(file))?)
}

/// Sentences out of an archive `file`.
///
/// # Errors
/// A [`Mismatch`] names the member: no archive, a sentence without samples or phones, samples that are not
/// at 16 kHz with 16 bits on one channel, an unknown phone, a part without sentences.
pub fn read(file: &str, archive: impl Read) -> Result<[Vec<Utterance>; 3], Mismatch> {
    let mut parts: [BTreeMap<String, Files>; 3] = Default::default();
    let unreadable =
        |error: std::io::Error| Mismatch::new(file, "an archive of tar", error.to_string());
    for entry in Archive::new(archive).entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some((part, name, is_wave)) = member(&path) else { continue };
        if entry.size() > MOST {
            let found = format!("{} bytes", entry.size());
            return Err(Mismatch::new(format!("{file} {path}"), format!("{MOST} at most"), found));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(unreadable)?;
        let files = parts[part].entry(name).or_default();
        let place = if is_wave { &mut files.wave } else { &mut files.phones };
        *place = Some((format!("{file} {path}"), bytes));
    }
    for (part, what) in parts.iter().zip(["training", "development", "core test"]) {
        if part.is_empty() {
            let wanted = format!("sentences of the {what} speakers, as TRAIN/DR1/FCJF0/SI1027.WAV");
            return Err(Mismatch::new(file, wanted, "none"));
        }
    }
    let [train, development, test] = parts.map(|part| {
        let utterances = part.into_iter().map(|(name, files)| utterance(file, name, files));
        utterances.collect::<Result<Vec<_>, Mismatch>>()
    });
    Ok([train?, development?, test?])
}

fn utterance(file: &str, name: String, files: Files) -> Result<Utterance, Mismatch> {
    let missing = |extension: &str| {
        let place = format!("{file} {name}");
        Mismatch::new(place, format!("a file .{extension} beside the other one"), "none")
    };
    let (wave, samples) = files.wave.ok_or_else(|| missing("WAV"))?;
    let (place, text) = files.phones.ok_or_else(|| missing("PHN"))?;
    let samples = wave::samples(&wave, &samples)?;
    let phones = phones::read(&place, &text)?;
    Ok(Utterance { name, samples, phones })
}

/// The part that a member of the archive belongs to, the name of its sentence, and whether it has the
/// samples and not the phones; nothing of what is not used.
fn member(path: &str) -> Option<(usize, String, bool)> {
    let path = path.to_ascii_lowercase();
    let parts: Vec<&str> = path.split('/').collect();
    let &[.., set, region, speaker, file] = &parts[..] else { return None };
    let (sentence, extension) = file.split_once('.')?;
    let is_wave = extension == "wav";
    if !is_wave && extension != "phn" || sentence.starts_with("sa") {
        return None;
    }
    let of = |speakers: &str| speakers.split(' ').any(|of| of == speaker);
    let part = match set {
        "train" => 0,
        "test" if of(DEVELOPMENT) => 1,
        "test" if of(CORE) => 2,
        _ => return None,
    };
    Some((part, format!("{region}/{speaker}/{sentence}"), is_wave))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of a folder as it is released, with one training speaker, one of each held out set and
    /// one that is not used.
    pub(crate) fn release(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_dir_all("TIMIT", folder.path()).unwrap();
        archive.into_inner().unwrap()
    }

    fn sentence(path: &str, samples: &[i16], phones: &str) -> [(String, Vec<u8>); 2] {
        let header = format!(
            "NIST_1A\n   1024\nsample_count -i {}\nsample_rate -i 16000\nchannel_count -i 1\n\
             sample_n_bytes -i 2\nsample_byte_format -s2 01\nend_head\n",
            samples.len()
        );
        let mut wave = header.into_bytes();
        wave.resize(1024, b' ');
        wave.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        [(format!("{path}.WAV"), wave), (format!("{path}.PHN"), phones.into())]
    }

    fn told(files: &[(String, Vec<u8>)]) -> Result<[Vec<Utterance>; 3], String> {
        let files: Vec<(&str, Vec<u8>)> =
            files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
        read("t.tar", &release(&files)[..]).map_err(|error| error.to_string())
    }

    #[test]
    fn the_released_folder_is_read_in_three_parts() {
        let text = "0 2 h#\n2 4 sh\n4 5 iy\n5 6 h#\n";
        let mut files = [
            sentence("TRAIN/DR1/FCJF0/SI1027", &[1, -2, 3], text),
            sentence("TRAIN/DR1/FCJF0/SA1", &[9], text),
            sentence("TEST/DR1/FAKS0/SX43", &[4], text),
            sentence("TEST/DR1/MDAB0/SX49", &[5], "0 1 pau\n"),
            sentence("TEST/DR1/MREB1/SX5", &[6], text),
        ]
        .concat();
        let [train, development, test] = told(&files).unwrap();
        let phones = ["h#", "sh", "iy", "h#"].map(String::from).to_vec();
        let name = "dr1/fcjf0/si1027".into();
        assert_eq!(train, [Utterance { name, samples: vec![1, -2, 3], phones }]);
        assert_eq!((development.len(), test.len()), (1, 1));
        assert_eq!((test[0].name.as_str(), &test[0].phones[0][..]), ("dr1/mdab0/sx49", "pau"));
        files.retain(|(path, _)| path != "TEST/DR1/FAKS0/SX43.PHN");
        let wanted = "t.tar dr1/faks0/sx43: wanted a file .PHN beside the other one, found none";
        assert_eq!(told(&files).unwrap_err(), wanted);
        files.retain(|(path, _)| !path.starts_with("TEST/DR1/MDAB0"));
        let error = told(&files).unwrap_err();
        assert!(error.starts_with("t.tar: wanted sentences of the core test speakers"), "{error}");
    }

    #[test]
    fn held_out_speakers_are_known() {
        let count = |speakers: &str| speakers.split(' ').count();
        assert_eq!((count(DEVELOPMENT), count(CORE)), (50, 24));
        assert!(CORE.split(' ').all(|speaker| !DEVELOPMENT.contains(speaker)));
        assert_eq!(CORE.split(' ').filter(|speaker| speaker.starts_with('f')).count(), 8);
    }
}
