//! Encoders: features of single frames.

use autodiff::{Conv2d, DType, Error, Graph, Pool2d, Var};
use datasets::convnet;
use learn::Layout;
use learn::layers::{Activation, Convolution, Dense, Layer, Params, Pooling as Windows, Sequence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes features of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Of pictures two convolutions and a dense layer, of other frames two dense layers, all of them
    /// rectified and from random weights.
    #[default]
    Small,
    /// The five convolutions of AlexNet in its form of 2014, of pictures with colours; features are those
    /// of its last pooling.
    AlexNet,
    /// The thirteen convolutions of VGG-16, likewise.
    Vgg16,
}

impl Architecture {
    /// The network whose convolutions it has.
    pub(crate) fn convolutions(self) -> Option<convnet::Network> {
        match self {
            Self::Small => None,
            Self::AlexNet => Some(convnet::Network::AlexNet),
            Self::Vgg16 => Some(convnet::Network::Vgg16),
        }
    }
}

/// Features of frames.
pub(crate) struct Encoder {
    convolutions: Option<Sequence>,
    dense: Option<Sequence>,
    /// Whether pictures are standardised as those that the convolutions were trained with.
    standardised: bool,
    /// Features of a frame.
    pub(crate) width: usize,
}

impl Encoder {
    /// The encoder of frames of a shape; `width` is that of dense layers.
    pub(crate) fn new(
        architecture: Architecture,
        shape: &[usize],
        width: usize,
    ) -> Result<Self, Error> {
        if let Some(network) = architecture.convolutions() {
            let convolutions = released(network);
            let width = outputs(&convolutions, shape)?;
            let (convolutions, dense) = (Some(convolutions), None);
            return Ok(Self { convolutions, dense, standardised: true, width });
        }
        let whole = |convolutions, dense| Self {
            convolutions,
            dense: Some(dense),
            standardised: false,
            width,
        };
        if let &[values] = shape {
            let dense = Sequence::new()
                .then(Dense::new("dense1", values, width))
                .then(Activation::relu("relu1"))
                .then(Dense::new("dense2", width, width))
                .then(Activation::relu("relu2"));
            return Ok(whole(None, dense));
        }
        let convolutions = Sequence::new()
            .then(Convolution::new("conv1", shape[0], 8, 5).padded().strided(2).with_relu())
            .then(Windows::max("pool1", Pool2d::of(2)))
            .then(Convolution::new("conv2", 8, 16, 3).padded().with_relu())
            .then(Windows::max("pool2", Pool2d::of(2)));
        let values = outputs(&convolutions, shape)?;
        let dense = Sequence::new()
            .then(Dense::new("dense1", values, width))
            .then(Activation::relu("relu1"));
        Ok(whole(Some(convolutions), dense))
    }

    /// The encoder of frames that are features already.
    pub(crate) fn none(width: usize) -> Self {
        Self { convolutions: None, dense: None, standardised: false, width }
    }

    /// Features `[frames, width]` of frames `[frames, ..]`.
    pub(crate) fn forward<'g>(
        &self,
        params: &Params<'_, 'g>,
        frames: Var<'g>,
    ) -> Result<Var<'g>, Error> {
        let mut made = frames;
        if self.standardised {
            let by_channel =
                |values: [f32; 3]| frames.graph().constant(&values.map(f64::from), &[1, 3, 1, 1]);
            let centred = made.sub(by_channel(convnet::MEAN)?)?;
            made = centred.div(by_channel(convnet::DEVIATION)?)?;
        }
        if let Some(convolutions) = &self.convolutions {
            made = convolutions.forward(params, made)?;
            let shape = made.shape();
            made = made.reshape(&[shape[0], shape[1..].iter().product()])?;
        }
        self.dense.as_ref().map_or(Ok(made), |dense| dense.forward(params, made))
    }
}

impl Layer for Encoder {
    fn declare(&self, layout: &mut Layout) {
        let parts = [&self.convolutions, &self.dense];
        parts.into_iter().flatten().for_each(|part| part.declare(layout));
    }
}

/// The convolutions `conv1`, `conv2` and so on of a network that was released, and its poolings.
fn released(network: convnet::Network) -> Sequence {
    // After which convolutions there is pooling.
    let (windows, pooled): (Pool2d, &[usize]) = match network {
        convnet::Network::AlexNet => {
            (Pool2d { kernel: [3; 2], stride: [2; 2], padding: [0; 2] }, &[1, 2, 5])
        }
        convnet::Network::Vgg16 => (Pool2d::of(2), &[2, 4, 7, 10, 13]),
    };
    let mut layers = Sequence::new();
    for (number, [filters, channels, side, _]) in (1..).zip(network.shapes()) {
        let first = side == 11;
        let conv = Conv2d {
            stride: [if first { 4 } else { 1 }; 2],
            padding: [if first { 2 } else { side / 2 }; 2],
            ..Conv2d::default()
        };
        let name = format!("conv{number}");
        let layer = Convolution::new(&name, channels, filters, side).with(conv).with_relu();
        layers = layers.then(layer);
        if pooled.contains(&number) {
            layers = layers.then(Windows::max(&format!("pool{number}"), windows));
        }
    }
    layers
}

/// The layers of a released network as a file that a [`Layout`] starts from.
pub(crate) fn file(
    network: convnet::Network,
    layers: Vec<convnet::Layer>,
) -> Result<Vec<u8>, impl std::error::Error + Send + Sync + 'static> {
    let values: Vec<f32> =
        layers.into_iter().flat_map(|layer| [layer.kernel, layer.bias]).flatten().collect();
    released(network).layout().to_safetensors(&values)
}

/// How many values a sequence makes of an input of a shape.
fn outputs(layers: &Sequence, shape: &[usize]) -> Result<usize, Error> {
    let (graph, layout) = (Graph::new(DType::F32), layers.layout());
    let vars = layout.views(graph.input("params", &[layout.len()]))?;
    let input = graph.input("frame", &[&[1], shape].concat());
    Ok(layers.forward(&Params::new(&layout, &vars), input)?.shape().iter().product())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_networks_have_their_parameters_and_features() {
        let of = |architecture, side| Encoder::new(architecture, &[3, side, side], 64).unwrap();
        let alex = of(Architecture::AlexNet, 224);
        assert_eq!((alex.layout().len(), alex.width), (2_469_696, 256 * 6 * 6));
        assert_eq!(of(Architecture::AlexNet, 64).width, 256);
        let vgg = of(Architecture::Vgg16, 64);
        assert_eq!((vgg.layout().len(), vgg.width), (14_714_688, 512 * 2 * 2));
    }
}
