//! One fold: a network is trained or taken as it is, and the test clips are asked about.

use std::sync::Arc;

use autodiff::{Buffer, DType, Device, Error as TraceError};
use experiment::{Error, Needed, Run};
use learn::{Groups, Optimizer, Schedule, Trained, Training};
use serde::{Deserialize, Serialize};

use crate::clips::Fold;
use crate::params::Params;
use crate::svm::Svm;
use crate::task::{ClipTask, Reader, Setup, best};

/// What a fold found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Of each test clip its number and the scores of the classes.
    pub(crate) scores: Vec<(usize, Vec<f64>)>,
    /// Percentage of training clips whose class has the largest score.
    pub(crate) train_accuracy: f64,
}

/// Steps of a fold's training.
pub(crate) fn steps(params: &Params, setup: &Arc<Setup>, fold: &Fold) -> Result<u64, Error> {
    let task = ClipTask::new(setup, &fold.train, &fold.test).map_err(tracing)?;
    Ok(params.epochs * task.steps_per_epoch())
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
    let steps = params.epochs * task.steps_per_epoch();
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
    let train = metrics.iter().find(|(name, _)| *name == "train_accuracy");
    if let Some(name) = keep {
        let values = weights.to_vec().map_err(asking)?;
        let file = setup.layout.to_safetensors(&values);
        run.artifact(name, &file.map_err(|e| Error::other("laying out the network", e))?)?;
    }
    Ok(Found {
        scores: fold.test.iter().copied().zip(scores.into_iter().map(wide)).collect(),
        train_accuracy: train.map_or(0.0, |(_, value)| *value),
    })
}

/// The weights of the encoder before training: as they are drawn, or those of a run that trained one on
/// frames.
pub(crate) fn encoder(
    setup: &Setup,
    trained: Option<(&Needed, &str)>,
    run: &Run<'_>,
) -> Result<Buffer, Error> {
    let layout = setup.network.encoder_layout();
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
    let layout = setup.network.encoder_layout();
    let mut reader = Reader::new(setup, &layout, |params, fields, batch| {
        setup.network.vectors(params, fields, batch)
    })
    .map_err(tracing)?;
    let mut read = |clips: &[usize]| -> Result<Vec<Vec<f64>>, Error> {
        let rows = reader.read(weights, clips).map_err(asking)?;
        Ok(rows.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect())
    };
    let (train, test) = (read(&fold.train)?, read(&fold.test)?);
    let labels: Vec<u32> = fold.train.iter().map(|&clip| setup.clips.clips[clip].class).collect();
    let (width, classes) = (train[0].len(), setup.clips.classes.len());
    let svm = Svm::train(&train.concat(), width, &labels, classes, params.svm_c)
        .map_err(|e| Error::other("training the linear classifier", e))?;
    let right = |(row, label): &(&Vec<f64>, &u32)| best(&svm.scores(row)) == **label as usize;
    let right = train.iter().zip(&labels).filter(right).count();
    Ok(Found {
        scores: fold.test.iter().copied().zip(test.iter().map(|row| svm.scores(row))).collect(),
        train_accuracy: 100.0 * right as f64 / labels.len() as f64,
    })
}

fn tracing(error: TraceError) -> Error {
    Error::other("tracing the network", error)
}

pub(crate) fn asking(error: TraceError) -> Error {
    Error::other("asking about clips", error)
}
