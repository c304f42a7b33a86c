//! What a run reads, and which parameters change nothing.

use experiment::DataRef;

use super::{ART, ART_PREFIX, Kind, Normalise, Params, Start};
use crate::descent::Optimizer;
use crate::weights::Source;

impl Params {
    /// The pictures that are read: the content, if it is, and the styles.
    pub(crate) fn pictures(&self) -> (Option<&str>, Vec<&str>) {
        let styles = || self.style.iter().map(String::as_str).collect();
        match self.kind {
            Kind::Transfer => (Some(&self.content), styles()),
            Kind::Content => (Some(&self.content), Vec::new()),
            Kind::Style => (None, styles()),
        }
    }

    /// Data sets and files.
    pub(crate) fn data(&self) -> Vec<DataRef> {
        let (content, styles) = self.pictures();
        let of = |name: &str| match name.starts_with(ART_PREFIX) {
            true => DataRef { name: ART.into() },
            false => DataRef::file(name),
        };
        let mut all: Vec<DataRef> = content.into_iter().chain(styles).map(of).collect();
        match Source::of(&self.weights) {
            Source::Imagenet => all.push(DataRef { name: "vgg16".into() }),
            Source::Untrained => {}
            Source::File(path) => all.extend(path.to_str().map(DataRef::file)),
        }
        if self.normalise == Normalise::Art {
            all.push(DataRef { name: ART.into() });
        }
        all.sort();
        all.dedup();
        all
    }

    /// The parameters with those at their defaults that change nothing.
    pub(crate) fn canonical(&self) -> Self {
        let (whole, mut own) = (Self::default(), self.clone());
        if self.kind == Kind::Content {
            own.style = whole.style;
            own.shares = whole.shares;
            own.style_scale = whole.style_scale;
            own.style_layers = whole.style_layers;
            own.style_weights = whole.style_weights;
        }
        if self.kind == Kind::Style {
            own.content = whole.content;
            own.content_layers = whole.content_layers;
        }
        if self.kind != Kind::Transfer {
            own.ratio = whole.ratio;
            own.colour = whole.colour;
        }
        match self.optimizer {
            Optimizer::Lbfgs => own.learning_rate = whole.learning_rate,
            Optimizer::Adam => own.history = whole.history,
        }
        if self.start != Start::Noise {
            own.noise = whole.noise;
        }
        if !matches!(Source::of(&self.weights), Source::File(_)) {
            own.inputs = whole.inputs;
        }
        own
    }
}
