//! One fold: a network is trained or taken as it is, and the test clips are asked about.

use std::sync::Arc;

use autodiff::{Buffer, DType, Device, Error as TraceError};
use experiment::{Error, Needed, Run};
use learn::{Groups, LoadError, Optimizer, Schedule, Trained, Training};
use serde::{Deserialize, Serialize};

use crate::answers::quality;
use crate::clips::Fold;
use crate::params::Params;
use crate::svm::Svm;
use crate::task::{ClipTask, Reader, Setup};

/// What a fold found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Of each test clip its number and the scores of the classes.
    pub(crate) scores: Vec<(usize, Vec<f64>)>,
    /// How good the scores of training clips are, in per cent.
    pub(crate) train: f64,
}

/// Steps of a fold's training.
pub(crate) fn steps(params: &Params, setup: &Setup, fold: &Fold) -> u64 {
    params.epochs * setup.steps_per_epoch(&fold.train)
}

/// Trains a network on a fold; `keep` names the artifact that it is kept as.
pub(crate) fn learn(
    params: &Params,
    setup: &Arc<Setup>,
    fold: &Fold,
    keep: Option<&str>,
    run: &mut Run<'_>,
) -> Result<Found, Error> {
    let mut task = ClipTask::new(setup, &fold.train, &fold.test).map_err(tracing)?;
    let steps = steps(params, setup, fold);
    let settings = Training {
        steps,
        evaluate_every: steps.div_ceil(params.evaluations),
        optimizer: Optimizer::adamw(params.decay),
        groups: Groups::default(),
        learning_rate: params.learning_rate,
        schedule: Schedule::Cosine { warmup: 0 },
        clip: Some(params.clip),
        selection: None,
    };
    let Trained { params: mut weights, metrics, .. } = learn::train(&mut task, &settings, run)?;
    let scores = task.scores(&mut weights, &fold.test).map_err(asking)?;
    let wide = |row: Vec<f32>| row.into_iter().map(f64::from).collect();
    let train = metrics.iter().find(|(name, _)| name.starts_with("train_a"));
    if let Some(name) = keep {
        let values = weights.to_vec().map_err(asking)?;
        let file = setup.layout.to_safetensors(&values);
        run.artifact(name, &file.map_err(|e| Error::other("laying out the network", e))?)?;
    }
    Ok(Found {
        scores: fold.test.iter().copied().zip(scores.into_iter().map(wide)).collect(),
        train: train.map_or(0.0, |(_, value)| *value),
    })
}

/// The weights of the encoder before training: as they are drawn, or those of a run that trained one on
/// frames.
pub(crate) fn encoder(
    setup: &Setup,
    trained: Option<(&Needed, &str)>,
    run: &Run<'_>,
) -> Result<Buffer, Error> {
    let layout = setup.network.encoder_layout().map_err(starting)?;
    let weights = match trained {
        Some((needed, artifact)) => {
            let values = layout
                .from_safetensors(&needed.read(artifact)?)
                .map_err(|e| Error::Checkpoint(format!("{artifact}: {e}")))?;
            Buffer::from_slice(Device::current(), &values)
        }
        None => layout.initial_buffer(&run.stream("init"), DType::F32),
    };
    weights.map_err(asking)
}

/// Trains a linear classifier of the pooled features of an encoder with some weights.
pub(crate) fn classify(
    params: &Params,
    setup: &Arc<Setup>,
    fold: &Fold,
    weights: &mut Buffer,
) -> Result<Found, Error> {
    let layout = setup.network.encoder_layout().map_err(starting)?;
    let mut reader = Reader::new(setup, &layout, |params, fields, batch| {
        setup.network.vectors(params, fields, batch)
    })
    .map_err(tracing)?;
    let mut read = |clips: &[usize]| -> Result<Vec<Vec<f64>>, Error> {
        let rows = reader.read(weights, clips).map_err(asking)?;
        Ok(rows.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect())
    };
    let (train, test) = (read(&fold.train)?, read(&fold.test)?);
    let (width, classes) = (train[0].len(), setup.clips.classes.len());
    let is = |row: usize, class| setup.clips.clips[fold.train[row]].is_of(class);
    let svm = Svm::train(&train.concat(), width, is, classes, params.svm_c)
        .map_err(|e| Error::other("training the linear classifier", e))?;
    let scored = |clips: &[usize], rows: &[Vec<f64>]| -> Vec<(usize, Vec<f64>)> {
        clips.iter().copied().zip(rows.iter().map(|row| svm.scores(row))).collect()
    };
    let known = scored(&fold.train, &train);
    let known = known.iter().map(|(clip, scores)| (*clip, &scores[..]));
    Ok(Found { scores: scored(&fold.test, &test), train: quality(&setup.clips, known) })
}

/// What is wrong with the weights that a network starts from.
pub(crate) fn starting(error: LoadError) -> Error {
    Error::other("starting from trained weights", error)
}

fn tracing(error: TraceError) -> Error {
    Error::other("tracing the network", error)
}

pub(crate) fn asking(error: TraceError) -> Error {
    Error::other("asking about clips", error)
}
