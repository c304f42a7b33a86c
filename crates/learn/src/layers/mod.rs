//! Layers: they own the names, shapes and initial values of their parameters, and say what they
//! compute of them.
//!
//! A network is a struct of layers that declares each of them, or a [`Sequence`]:
//!
//! ```
//! use autodiff::{DType, Graph};
//! use learn::Layout;
//! use learn::layers::{Dense, Layer, Lstm, Map, Params};
//!
//! struct Network {
//!     encoder: Lstm,
//!     classifier: Dense,
//! }
//!
//! impl Layer for Network {
//!     fn declare(&self, layout: &mut Layout) {
//!         self.encoder.declare(layout);
//!         self.classifier.declare(layout);
//!     }
//! }
//!
//! let network = Network {
//!     encoder: Lstm::new("encoder", 128, 256),
//!     classifier: Dense::new("classifier", 256, 10),
//! };
//! let layout = network.layout();
//!
//! let graph = Graph::new(DType::F32);
//! let vars = layout.views(graph.input("params", &[layout.len()]))?;
//! let params = Params::new(&layout, &vars);
//! let x = graph.input("x", &[20, 32, 128]);
//! let read = network.encoder.forward(&params, x)?;
//! let scores = network.classifier.forward(&params, read.last)?;
//! assert_eq!(scores.shape(), [32, 10]);
//! # Ok::<(), autodiff::Error>(())
//! ```

mod activation;
mod attention;
mod convolution;
mod dense;
mod dropout;
mod embedding;
mod normalisation;
mod pooling;
mod recurrent;
mod sequence;
#[cfg(test)]
mod testing;

use autodiff::{Error, Var};

use crate::Layout;

pub use activation::Activation;
pub use attention::{AdditiveAttention, MultiHeadAttention, scaled_dot_attention};
pub use convolution::Convolution;
pub use dense::Dense;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use normalisation::{BatchNorm, LayerNorm};
pub use pooling::Pooling;
pub use recurrent::{CellKind, Gru, GruCell, Lstm, LstmCell, Recurrent, State};
pub use sequence::Sequence;

/// Something that owns parameters: a layer, or a network of layers.
pub trait Layer {
    /// Appends its tensors.
    ///
    /// # Panics
    /// If one of the names is taken.
    fn declare(&self, layout: &mut Layout);

    /// Its tensors alone.
    ///
    /// # Panics
    /// If two of them have one name.
    fn layout(&self) -> Layout {
        let mut layout = Layout::new();
        self.declare(&mut layout);
        layout
    }
}

impl Layout {
    /// With the tensors of a layer, or of a network of layers.
    ///
    /// # Panics
    /// If one of the names is taken.
    #[must_use]
    pub fn with_layer(mut self, layer: &dyn Layer) -> Self {
        layer.declare(&mut self);
        self
    }
}

/// A layer that makes one array of one.
pub trait Map: Layer {
    /// Its name, the first part of its tensors' names.
    fn name(&self) -> &str;

    /// What it makes of `x`.
    ///
    /// # Errors
    /// [`Error::Custom`] for a parameter that is not there, and a shape error of the trace.
    fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error>;
}

/// The parameters of a graph by name, and whether it trains them.
#[derive(Debug, Clone, Copy)]
pub struct Params<'a, 'g> {
    layout: &'a Layout,
    vars: &'a [Var<'g>],
    training: bool,
    keys: Option<Var<'g>>,
}

impl<'a, 'g> Params<'a, 'g> {
    /// The views of a layout, for evaluation: [`Dropout`] does nothing and [`BatchNorm`] goes by its
    /// running statistics.
    pub fn new(layout: &'a Layout, vars: &'a [Var<'g>]) -> Self {
        Self { layout, vars, training: false, keys: None }
    }

    /// The same for training: [`BatchNorm`] goes by the batch and keeps its statistics, which
    /// needs views of an input, and [`Dropout`] draws its masks by `keys`.
    #[must_use]
    pub fn for_training(self, keys: Option<Var<'g>>) -> Self {
        Self { training: true, keys, ..self }
    }

    /// The parameter of a name.
    ///
    /// # Errors
    /// [`Error::Custom`] if there is none.
    pub fn get(&self, name: &str) -> Result<Var<'g>, Error> {
        let tensors = self.layout.tensors();
        tensors.iter().zip(self.vars).find(|(tensor, _)| tensor.name == name).map_or_else(
            || {
                let names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
                let message = format!("no tensor {name:?} in the layout of {}", names.join(", "));
                Err(Error::Custom { op: "layers", message })
            },
            |(_, &var)| Ok(var),
        )
    }

    /// The parameter `tensor` of the layer `layer`.
    fn of(&self, layer: &str, tensor: &str) -> Result<Var<'g>, Error> {
        self.get(&named(layer, tensor))
    }
}

fn named(layer: &str, tensor: &str) -> String {
    format!("{layer}.{tensor}")
}
