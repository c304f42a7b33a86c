//! Where clips come from.

use datasets::order_only::{self, CLASSES, Film, Look};
use experiment::{Error, Run};

use crate::clips::{Clip, Clips, Fold, Frames};
use crate::params::{Data, Params};

/// The clips of a run and their folds.
pub(crate) fn open(params: &Params, run: &Run<'_>) -> Result<(Clips, Vec<Fold>), Error> {
    let (clips, mut folds) = match params.data {
        Data::OrderOnly => films(params, run),
    };
    folds.truncate(params.folds.unwrap_or(usize::MAX));
    Ok((clips, folds))
}

/// Films that are made: one fold, whose test films are followed by their reversals.
fn films(params: &Params, run: &Run<'_>) -> (Clips, Vec<Fold>) {
    let look = Look {
        side: params.side,
        colour: params.colour,
        frames: params.frames,
        noise: params.noise,
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
    };
    let (mut pixels, mut first) = (Vec::new(), 0);
    for (name, film) in all {
        let (length, class) = (film.pixels.len() / look.values(), film.class.into());
        let group = name.split('-').next_back().unwrap_or_default().to_owned();
        clips.clips.push(Clip { name, first, length, class, group, backwards: false });
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
