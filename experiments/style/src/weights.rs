//! Weights of a network: from the data set `vgg16`, from files, or drawn.
//!
//! Files differ in what they want of a picture. All of them are brought to one convention when they are
//! read: red, green and blue from 0 to 255, less the mean of what the network was trained on.

mod file;

use std::path::{Path, PathBuf};

use autodiff::{Buffer, DType, Device, Error as EngineError, Graph, Var};
use datasets::{Store, convnet};
use experiment::{DataPaths, Error, Stream};
use learn::Layout;
use learn::layers::Layer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::picture::Picture;
use crate::vgg::{Architecture, Vgg};

/// What a file of weights wants of a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Inputs {
    /// Red, green and blue from 0 to 1, less (.485, .456, .406), over (.229, .224, .225).
    #[default]
    Torchvision,
    /// Blue, green and red from 0 to 255, less (103.939, 116.779, 123.68).
    Caffe,
}

/// Where weights come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The data set `vgg16`.
    Imagenet,
    /// Drawn, always the same.
    Untrained,
    /// A safetensors file or one of PyTorch.
    File(PathBuf),
}

impl Source {
    /// By the name that a parameter has.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "imagenet" => Self::Imagenet,
            "untrained" => Self::Untrained,
            path => Self::File(path.into()),
        }
    }
}

/// Weights of the convolutions up to the last that is needed.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    pub(crate) layout: Layout,
    /// Filters and biases in the order of the layout.
    tensors: Vec<Vec<f32>>,
    /// What is taken from red, green and blue.
    means: [f32; 3],
}

impl Weights {
    /// Opens the weights of a network.
    ///
    /// # Errors
    /// A data set or a file that cannot be had, or does not suit.
    pub(crate) fn open(
        source: &Source,
        architecture: Architecture,
        inputs: Inputs,
        vgg: &Vgg,
        data: &DataPaths,
    ) -> Result<Self, Error> {
        match source {
            Source::Untrained => Ok(Self::untrained(vgg)),
            Source::Imagenet => Self::imagenet(vgg, data),
            Source::File(path) => {
                let tensors = file::read(path, architecture, &vgg.layout())?;
                Ok(Self::standard(vgg.layout(), tensors, inputs))
            }
        }
    }

    /// The trained VGG-16.
    fn imagenet(vgg: &Vgg, data: &DataPaths) -> Result<Self, Error> {
        let store = Store::new(&data.cache, data.mirror.as_deref(), data.offline);
        let network = convnet::Network::Vgg16;
        let layers =
            convnet::load(&store, network).map_err(|e| Error::data(network.dataset(), e))?;
        let layout = vgg.layout();
        let tensors = layers.into_iter().flat_map(|layer| [layer.kernel, layer.bias]);
        let tensors = tensors.take(layout.tensors().len()).collect();
        Ok(Self::standard(layout, tensors, Inputs::Torchvision))
    }

    /// Weights of a variance that keeps that of the features (He et al. 2015), biases of 0.
    pub(crate) fn untrained(vgg: &Vgg) -> Self {
        let layout = vgg.layout();
        let values = layout.initial(&Stream::new(0, "untrained"));
        let tensors = file::split(&layout, &values);
        Self::standard(layout, tensors, Inputs::Torchvision)
    }

    /// Brings weights that want their pictures otherwise to the one convention.
    fn standard(layout: Layout, mut tensors: Vec<Vec<f32>>, inputs: Inputs) -> Self {
        let planes = tensors[0].chunks_exact_mut(9);
        let means = match inputs {
            Inputs::Torchvision => {
                for (at, filter) in planes.enumerate() {
                    let range = 255.0 * convnet::DEVIATION[at % 3];
                    filter.iter_mut().for_each(|w| *w /= range);
                }
                convnet::MEAN.map(|mean| 255.0 * mean)
            }
            Inputs::Caffe => {
                for filter in tensors[0].chunks_exact_mut(27) {
                    let (blue, others) = filter.split_at_mut(9);
                    blue.swap_with_slice(&mut others[9..]);
                }
                [123.68, 116.779, 103.939]
            }
        };
        Self { layout, tensors, means }
    }

    /// Filters and biases of a convolution.
    pub(crate) fn layer_mut(&mut self, convolution: usize) -> [&mut [f32]; 2] {
        let [filters, bias] = &mut self.tensors[2 * convolution..2 * convolution + 2] else {
            unreachable!("every convolution has filters and biases");
        };
        [filters, bias]
    }

    /// An input of a graph for each tensor.
    pub(crate) fn declare<'g>(&self, graph: &'g Graph) -> Vec<Var<'g>> {
        self.layout.tensors().iter().map(|of| graph.input(&of.name, &of.shape)).collect()
    }

    /// What these inputs are given, on the current device.
    ///
    /// # Errors
    /// [`EngineError::Memory`] where there is too little.
    pub(crate) fn buffers(&self, dtype: DType) -> Result<Vec<Buffer>, EngineError> {
        let buffer = |values: &Vec<f32>| match dtype {
            DType::F64 => {
                let wide: Vec<f64> = values.iter().map(|&value| value.into()).collect();
                Buffer::from_slice(Device::current(), &wide)
            }
            _ => Buffer::from_slice(Device::current(), values),
        };
        self.tensors.iter().map(buffer).collect()
    }

    /// A picture as the network takes it: less the means.
    pub(crate) fn standardised(&self, picture: &Picture) -> Vec<f32> {
        let planes = picture.planes.chunks_exact(picture.pixels()).zip(self.means);
        planes.flat_map(|(plane, mean)| plane.iter().map(move |value| value - mean)).collect()
    }

    /// The picture that the network takes as `values`, each colour from 0 to 255.
    #[expect(clippy::cast_possible_truncation, reason = "a picture is in f32")]
    pub(crate) fn picture(&self, size: [usize; 2], values: &[f64]) -> Picture {
        let planes = values.chunks_exact(size[0] * size[1]).zip(self.means);
        let add = |value: &f64, mean: f32| (*value as f32 + mean).clamp(0.0, 255.0);
        let planes = planes.flat_map(|(plane, mean)| plane.iter().map(move |v| add(v, mean)));
        Picture { size, planes: planes.collect() }
    }
}

/// What is wrong with a file of weights.
pub(crate) fn unsuited(
    path: &Path,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::other(format!("weights of {}", path.display()), why)
}

#[cfg(test)]
mod tests;
