//! The losses that parameters describe, and the network that they look at.

use experiment::ParamError;

use super::{Kind, Params};
use crate::losses::{Layered, Objective};
use crate::vgg::{Architecture, Vgg};

/// Elements of a layer of a band: 64 MiB.
const BAND: usize = 16 << 20;

impl Params {
    /// The losses.
    ///
    /// # Errors
    /// A layer that the network does not have.
    pub(crate) fn objective(&self) -> Result<Objective, ParamError> {
        let layers = |path: &str, names: &[String], weights: &[f64]| {
            let wanted = format!(
                "layers of {}, conv1_1 to conv5_{}",
                self.network.title(),
                match self.network {
                    Architecture::Vgg16 => 3,
                    Architecture::Vgg19 => 4,
                }
            );
            ParamError::check(!names.is_empty(), path, &wanted, "none")?;
            let equal = 1.0 / names.len() as f64;
            let layered = |(at, name): (usize, &String)| {
                let convolution = self.network.position(name);
                let convolution =
                    convolution.ok_or_else(|| ParamError::new(path, &wanted, name.clone()))?;
                if names[..at].contains(name) {
                    return Err(ParamError::new(path, "each layer once", format!("{name} twice")));
                }
                Ok(Layered { convolution, weight: weights.get(at).copied().unwrap_or(equal) })
            };
            names.iter().enumerate().map(layered).collect::<Result<Vec<_>, _>>()
        };
        let weights = &self.style_weights;
        if !weights.is_empty() {
            let fit = weights.len() == self.style_layers.len()
                && weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite());
            let wanted = format!("a weight for each of {} layers", self.style_layers.len());
            ParamError::check(fit, "style_weights", &wanted, format!("{weights:?}"))?;
        }
        let content = match self.kind {
            Kind::Style => Vec::new(),
            _ => layers("content_layers", &self.content_layers, &[])?,
        };
        let style = match self.kind {
            Kind::Content => Vec::new(),
            _ => layers("style_layers", &self.style_layers, weights)?,
        };
        Ok(Objective {
            constants: self.constants,
            content,
            style,
            content_weight: if self.kind == Kind::Transfer { self.ratio } else { 1.0 },
            style_weight: 1.0,
            variation: self.variation,
        })
    }

    /// The network up to the deepest layer that the losses look at.
    pub(crate) fn vgg(&self, objective: &Objective) -> Vgg {
        Vgg::new(self.network, self.pooling, objective.depth())
    }

    /// Elements of a band's layer, if layers are computed again.
    pub(crate) fn limit(&self) -> Option<usize> {
        self.recompute.then_some(BAND)
    }
}
