//! Where clips come from.

mod films;

use datasets::order_only::{self, CLASSES, Film, Look};
use datasets::spoken_digits::{self, COEFFICIENTS, DIGITS};
use datasets::{Store, convnet, video, weizmann};
use experiment::{Error, Run, Stream};
use rand::seq::SliceRandom;

use crate::clips::{Clip, Clips, Fold, Frames};
use crate::encoder;
use crate::params::{Data, Params};

/// The data set of films that users download.
pub(crate) fn set(data: Data) -> Option<video::Set> {
    match data {
        Data::UcfSports => Some(video::Set::UcfSports),
        Data::Hollywood2 => Some(video::Set::Hollywood2),
        Data::OrderOnly | Data::Weizmann | Data::SpokenDigits => None,
    }
}

/// The file that the network of a run starts from, if there is one.
pub(crate) fn start(params: &Params, run: &Run<'_>) -> Result<Option<Vec<u8>>, Error> {
    let network = params.network.convolutions().filter(|_| params.pretrained);
    let Some(network) = network else { return Ok(None) };
    let fail = |e: datasets::Error| Error::data(network.dataset(), e);
    let layers = convnet::load(&store(run), network).map_err(fail)?;
    let file = encoder::file(network, layers);
    file.map(Some).map_err(|e| Error::other("laying out trained weights", e))
}

/// The clips of a run and their folds.
pub(crate) fn open(params: &Params, run: &mut Run<'_>) -> Result<(Clips, Vec<Fold>), Error> {
    if let Some(set) = set(params.data) {
        let found = video::load(&store(run), set).map_err(|e| Error::data(set.dataset(), e))?;
        return Ok(films::films(set, found, run));
    }
    let (clips, mut folds) = match params.data {
        Data::OrderOnly => order_films(params, run),
        Data::Weizmann => {
            let found = weizmann::load(&store(run));
            silhouettes(&found.map_err(|e| Error::data(weizmann::DATASET, e))?)
        }
        Data::SpokenDigits => {
            let found = spoken_digits::load(&store(run));
            let found = found.map_err(|e| Error::data(spoken_digits::DATASET, e))?;
            digits(found, params.twins)
        }
        Data::UcfSports | Data::Hollywood2 => unreachable!("it is a set of films"),
    };
    folds.truncate(params.folds.unwrap_or(usize::MAX));
    Ok((clips, folds))
}

/// Films that are made: one fold, whose test films are followed by their reversals.
fn order_films(params: &Params, run: &Run<'_>) -> (Clips, Vec<Fold>) {
    let look = Look {
        side: params.side,
        colour: params.colour,
        frames: params.frames,
        noise: params.noise,
        still: params.still,
    };
    let stream = |name| run.stream(name);
    let (train, test) = (stream("training films"), stream("test films"));
    let train = order_only::generate(params.films, &look, |film| train.rng(film));
    let test = order_only::generate(params.test_films, &look, |film| test.rng(film));
    let twins = test.iter().map(|film| film.reversed(&look));
    let all: Vec<(String, Film)> = numbered("train", &train)
        .chain(numbered("film", &test))
        .chain(twins.enumerate().map(|(at, twin)| (format!("twin-{at}"), twin)))
        .collect();
    let mut clips = Clips {
        shape: vec![look.channels(), look.side, look.side],
        frames: Frames::Bytes(Vec::new()),
        clips: Vec::with_capacity(all.len()),
        classes: CLASSES.map(String::from).into(),
        many: false,
    };
    let (mut pixels, mut first) = (Vec::new(), 0);
    for (name, film) in all {
        let (length, classes) = (film.pixels.len() / look.values(), vec![film.class.into()]);
        let group = name.split('-').next_back().unwrap_or_default().to_owned();
        clips.clips.push(Clip { name, first, length, classes, group, backwards: false });
        pixels.extend_from_slice(&film.pixels);
        first += length;
    }
    clips.frames = Frames::Bytes(pixels);
    let fold = Fold {
        train: (0..params.films).collect(),
        test: (params.films..clips.clips.len()).collect(),
    };
    (clips, vec![fold])
}

fn numbered<'a>(what: &str, films: &'a [Film]) -> impl Iterator<Item = (String, Film)> + 'a {
    let what = what.to_owned();
    films.iter().enumerate().map(move |(at, film)| (format!("{what}-{at}"), film.clone()))
}

fn store(run: &Run<'_>) -> Store {
    let paths = run.data();
    Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline)
}

/// How much smaller silhouettes are than released.
const SCALE: usize = 3;

/// Silhouettes; the clips of each person are the test of a fold.
fn silhouettes(found: &weizmann::Silhouettes) -> (Clips, Vec<Fold>) {
    let frames: usize = found.clips.iter().map(|clip| clip.frames).sum();
    let clip = |clip: &weizmann::Clip| Clip {
        name: clip.name.clone(),
        first: clip.first,
        length: clip.frames,
        classes: vec![clip.action as u32],
        group: clip.person.clone(),
        backwards: false,
    };
    let clips = Clips {
        shape: [&[1], &weizmann::EXTENT.map(|extent| extent / SCALE)[..]].concat(),
        frames: Frames::Bytes((0..frames).flat_map(|frame| found.shrunk(frame, SCALE)).collect()),
        clips: found.clips.iter().map(clip).collect(),
        classes: weizmann::ACTIONS.map(String::from).into(),
        many: false,
    };
    let folds = by_group(&clips.clips);
    (clips, folds)
}

/// A fold for each group, in alphabetical order.
fn by_group(clips: &[Clip]) -> Vec<Fold> {
    let mut groups: Vec<&String> = clips.iter().map(|clip| &clip.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let fold = |group: &String| {
        let (test, train) = (0..clips.len()).partition(|&clip| clips[clip].group == *group);
        Fold { train, test }
    };
    groups.into_iter().map(fold).collect()
}

/// Folds of the spoken digits.
const FOLDS: usize = 5;

/// Spoken digits in folds that are the same in every run; with `twins` each backwards as well, in the fold
/// where it is forwards.
fn digits(found: spoken_digits::Sequences, twins: bool) -> (Clips, Vec<Fold>) {
    let spoken_digits::Sequences { coefficients, lengths, digits } = found;
    let mut fold_of: Vec<usize> = (0..lengths.len()).map(|at| at % FOLDS).collect();
    fold_of.shuffle(&mut Stream::new(0, "folds").rng(0));
    let (mut clips, mut first) = (Vec::new(), 0);
    for (at, (&length, &digit)) in lengths.iter().zip(&digits).enumerate() {
        let group = format!("fold-{}", fold_of[at]);
        for backwards in [false, true].into_iter().take(1 + usize::from(twins)) {
            let name = format!("{}-{at}", if backwards { "backwards" } else { "digit" });
            let class = digit + if backwards { DIGITS as u32 } else { 0 };
            let (classes, group) = (vec![class], group.clone());
            clips.push(Clip { name, first, length, classes, group, backwards });
        }
        first += length;
    }
    let name = |class: usize| match class < DIGITS {
        true => class.to_string(),
        false => format!("{} backwards", class - DIGITS),
    };
    let classes = (0..DIGITS * if twins { 2 } else { 1 }).map(name).collect();
    let folds = by_group(&clips);
    let frames = Frames::Floats(coefficients);
    (Clips { shape: vec![COEFFICIENTS], frames, clips, classes, many: false }, folds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_of_digits_share_frames_and_folds() {
        let lengths: Vec<usize> = (0..50).map(|at| 1 + at % 4).collect();
        let frames: usize = lengths.iter().sum();
        let found = spoken_digits::Sequences {
            coefficients: (0..frames * COEFFICIENTS).map(|at| (at % 17) as f32).collect(),
            digits: (0..50).map(|at| at % 10).collect(),
            lengths,
        };
        let (clips, folds) = digits(found, true);
        assert_eq!((clips.clips.len(), clips.classes.len(), folds.len()), (100, 20, FOLDS));
        for pair in clips.clips.chunks(2) {
            let [one, other] = pair else { panic!("twins") };
            assert_eq!(
                (one.first, one.length, &one.group),
                (other.first, other.length, &other.group)
            );
            assert_eq!(
                (one.class() + 10, one.backwards, other.backwards),
                (other.class(), false, true)
            );
        }
        for fold in &folds {
            assert_eq!((fold.train.len(), fold.test.len()), (80, 20));
        }
    }

    #[test]
    fn a_fold_leaves_one_group_out() {
        let clip = |group: &str| Clip {
            name: String::new(),
            first: 0,
            length: 1,
            classes: vec![0],
            group: group.into(),
            backwards: false,
        };
        let folds = by_group(&["b", "a", "b"].map(clip));
        assert_eq!(folds[0], Fold { train: vec![0, 2], test: vec![1] });
        assert_eq!(folds[1], Fold { train: vec![1], test: vec![0, 2] });
    }
}
