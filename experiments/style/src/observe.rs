//! What a network sees in a picture: features, Gram matrices, sums of activations.
//!
//! All at once, or a band of rows after the other, block by block, each computed again in the backward
//! pass (Chen et al. 2016, *Training Deep Nets with Sublinear Memory Cost*): a gradient then needs the
//! inputs of the blocks and one band's layers in memory, in place of all layers.

mod bands;

use autodiff::{Error, Graph, Var};
use learn::Layout;
use learn::layers::Params;

use crate::losses::Layered;
use crate::vgg::Vgg;
use bands::banded;

/// What is wanted of a convolution, over positions `M` of its features `[1, n, h, w]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The features themselves.
    Features,
    /// Their Gram matrix over the number of positions, `F F^T / M`, `[n, n]`.
    Gram,
    /// Their sums, `[n]`.
    Sums,
}

/// Looks at convolutions, counted from 0.
pub(crate) type Looks = Vec<(usize, Look)>;

/// The same look at layers of a loss.
pub(crate) fn looks(layers: &[Layered], look: Look) -> Looks {
    layers.iter().map(|layer| (layer.convolution, look)).collect()
}

impl Look {
    /// Of whole features.
    ///
    /// # Errors
    /// A shape error of the trace.
    pub(crate) fn of(self, features: Var<'_>) -> Result<Var<'_>, Error> {
        let shape = features.shape();
        self.joined(features.graph(), &[self.part(features)?], [shape[2], shape[3]])
    }

    /// Of some rows of features; what is found in bands is added, features are joined.
    fn part(self, features: Var<'_>) -> Result<Var<'_>, Error> {
        let shape = features.shape();
        match self {
            Self::Features => Ok(features),
            Self::Gram => features.reshape(&[shape[1], shape[2] * shape[3]])?.gram(),
            Self::Sums => features.sum(&[0, 2, 3], false),
        }
    }

    /// The whole out of parts, for features of `[height, width]`.
    fn joined<'g>(
        self,
        graph: &'g Graph,
        parts: &[Var<'g>],
        [height, width]: [usize; 2],
    ) -> Result<Var<'g>, Error> {
        if self == Self::Features {
            return graph.concat(parts, 2);
        }
        let (first, others) = parts.split_first().expect("a picture has rows");
        let sum = others.iter().try_fold(*first, |sum, part| sum.add(*part))?;
        Ok(match self {
            Self::Gram => sum.mul_scalar(1.0 / (height * width) as f64),
            _ => sum,
        })
    }

    /// Shape of a part, for `filters` and `rows` of `width`.
    fn shape(self, filters: usize, rows: usize, width: usize) -> Vec<usize> {
        match self {
            Self::Features => vec![1, filters, rows, width],
            Self::Gram => vec![filters; 2],
            Self::Sums => vec![filters],
        }
    }
}

/// What a network with these parameters sees in an image `[1, 3, h, w]`. With `limit`, in bands whose
/// layers have at most about so many elements each.
///
/// # Errors
/// A shape error of the trace, as for an image that is too small.
pub(crate) fn observe<'g>(
    vgg: &Vgg,
    params: (&Layout, &[Var<'g>]),
    image: Var<'g>,
    looks: &[(usize, Look)],
    limit: Option<usize>,
) -> Result<Vec<Var<'g>>, Error> {
    if let Some(limit) = limit {
        return banded(vgg, params.1, image, looks, limit);
    }
    let features = vgg.features(&Params::new(params.0, params.1), image)?;
    looks.iter().map(|(convolution, look)| look.of(features[*convolution])).collect()
}
