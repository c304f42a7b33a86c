//! Networks whose layers follow one another.

use autodiff::{Error, Var};

use super::{Layer, Map, Params};
use crate::Layout;

/// Layers one after the other, each found by its name.
///
/// ```
/// use autodiff::Pool2d;
/// use learn::layers::{Activation, Convolution, Layer, Pooling, Sequence};
///
/// let network = Sequence::new()
///     .then(Convolution::new("conv1", 3, 16, 3).padded())
///     .then(Activation::relu("relu1"))
///     .then(Pooling::max("pool1", Pool2d::of(2)))
///     .then(Convolution::new("conv2", 16, 32, 3).padded().with_relu());
/// assert_eq!(network.names().collect::<Vec<_>>(), ["conv1", "relu1", "pool1", "conv2"]);
/// assert_eq!(network.layout().tensors()[2].name, "conv2.weight");
/// ```
#[derive(Default)]
pub struct Sequence {
    layers: Vec<Box<dyn Map + Send + Sync>>,
}

impl Sequence {
    /// No layer, which changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more layer.
    ///
    /// # Panics
    /// If there is a layer of its name.
    #[must_use]
    pub fn then(mut self, layer: impl Map + Send + Sync + 'static) -> Self {
        let name = layer.name();
        assert!(self.names().all(|other| other != name), "two layers are named {name:?}");
        self.layers.push(Box::new(layer));
        self
    }

    /// The names of its layers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|layer| layer.name())
    }

    /// What the last layer makes of `x`.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        self.layers.iter().try_fold(x, |x, layer| layer.forward(params, x))
    }

    /// What the layers of these names make, in the order of the names; later layers are left out.
    ///
    /// # Errors
    /// [`Error::Custom`] for a name that no layer has, and those of the layers.
    pub fn features<'g>(
        &self,
        params: &Params<'_, 'g>,
        x: Var<'g>,
        names: &[&str],
    ) -> Result<Vec<Var<'g>>, Error> {
        let place = |name: &&str| {
            self.names().position(|other| other == *name).ok_or_else(|| {
                let known = self.names().collect::<Vec<_>>().join(", ");
                let message = format!("no layer {name:?} among {known}");
                Error::Custom { op: "layers", message }
            })
        };
        let places: Vec<usize> = names.iter().map(place).collect::<Result<_, _>>()?;
        let count = places.iter().max().map_or(0, |last| last + 1);
        let (mut x, mut made) = (x, Vec::with_capacity(count));
        for layer in &self.layers[..count] {
            x = layer.forward(params, x)?;
            made.push(x);
        }
        Ok(places.into_iter().map(|place| made[place]).collect())
    }
}

impl Layer for Sequence {
    fn declare(&self, layout: &mut Layout) {
        self.layers.iter().for_each(|layer| layer.declare(layout));
    }
}

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{close, eval};
    use crate::layers::{Activation, Dense};

    fn network() -> Sequence {
        Sequence::new()
            .then(Dense::new("first", 1, 2).without_bias())
            .then(Activation::relu("rectified"))
            .then(Dense::new("second", 2, 1).without_bias())
            .then(Activation::tanh("squashed"))
            .then(Activation::sigmoid("chance"))
    }

    #[test]
    fn layers_follow_one_another_and_are_found_by_name() {
        let network = network();
        let layout = network.layout();
        let params = [2.0, -3.0, 0.25, 5.0];
        let x: [(&[usize], &[f64]); 1] = [(&[1, 1], &[1.0])];
        let y = eval(&layout, &params, &x, |p, x| network.forward(p, x[0]));
        let squashed = 0.5f64.tanh();
        close(&y, &[1.0 / (1.0 + (-squashed).exp())]);
        let features = eval(&layout, &params, &x, |p, x| {
            let found = network.features(p, x[0], &["second", "rectified"])?;
            p.get("first.weight")?.graph().concat(&found, 1)
        });
        close(&features, &[0.5, 2.0, 0.0]);
    }

    #[test]
    fn unknown_names_are_told_and_taken_ones_refused() {
        let network = network();
        let layout = network.layout();
        let graph = autodiff::Graph::new(autodiff::DType::F32);
        let vars = layout.views(graph.input("params", &[layout.len()])).unwrap();
        let x = graph.input("x", &[1, 1]);
        let found = network.features(&Params::new(&layout, &vars), x, &["third"]);
        let wanted = "layers: no layer \"third\" among first, rectified, second, squashed, chance";
        assert_eq!(found.unwrap_err().to_string(), wanted);
        let twice = std::panic::catch_unwind(|| {
            Sequence::new().then(Activation::relu("a")).then(Activation::tanh("a"))
        });
        assert!(twice.is_err());
    }
}
