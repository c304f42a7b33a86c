//! Dense layers.

use autodiff::{Error, Var};

use super::{Layer, Map, Params, named};
use crate::{Init, Layout};

/// `x weight + bias` of the last axis: `weight` `[inputs, outputs]`, `bias` `[outputs]`.
///
/// The weight starts as [`Init::glorot`] has it, the bias from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    name: String,
    inputs: usize,
    outputs: usize,
    init: Init,
    bias: bool,
}

impl Dense {
    /// A layer of `[.., inputs]` to `[.., outputs]`.
    pub fn new(name: &str, inputs: usize, outputs: usize) -> Self {
        let init = Init::glorot(inputs, outputs);
        Self { name: name.into(), inputs, outputs, init, bias: true }
    }

    /// With another start of the weight.
    #[must_use]
    pub fn with_init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Without a bias.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }
}

impl Layer for Dense {
    fn declare(&self, layout: &mut Layout) {
        layout.push(&named(&self.name, "weight"), &[self.inputs, self.outputs], self.init);
        if self.bias {
            layout.push(&named(&self.name, "bias"), &[self.outputs], Init::Zeros);
        }
    }
}

impl Map for Dense {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        let bias = if self.bias { Some(params.of(&self.name, "bias")?) } else { None };
        x.linear(params.of(&self.name, "weight")?, bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{check, close, eval, numbers};

    #[test]
    fn is_the_sum_of_products() {
        let layer = Dense::new("fc", 3, 2);
        let layout = layer.layout();
        let (w, x) = (numbers(1, layout.len()), numbers(2, 12));
        let y = eval(&layout, &w, &[(&[2, 2, 3], &x)], |p, x| layer.forward(p, x[0]));
        let mut wanted = Vec::new();
        for row in x.chunks(3) {
            for out in 0..2 {
                wanted.push((0..3).map(|i| row[i] * w[2 * i + out]).sum::<f64>() + w[6 + out]);
            }
        }
        close(&y, &wanted);
        check(&layout, &[&[4, 3]], |p, x| Ok(layer.forward(p, x[0])?.tanh()));
    }

    #[test]
    fn a_layer_without_bias_has_none_and_a_foreign_layout_is_named() {
        let layer = Dense::new("fc", 3, 2).without_bias().with_init(Init::Zeros);
        let layout = layer.layout();
        assert_eq!(layout.tensors().len(), 1);
        let y = eval(&layout, &[0.0; 6], &[(&[1, 3], &[1.0; 3])], |p, x| layer.forward(p, x[0]));
        assert_eq!(y, [0.0, 0.0]);
        let graph = autodiff::Graph::new(autodiff::DType::F32);
        let vars = layout.views(graph.input("params", &[6])).unwrap();
        let x = graph.input("x", &[1, 3]);
        let error = Dense::new("out", 3, 2).forward(&Params::new(&layout, &vars), x).unwrap_err();
        let wanted = r#"layers: no tensor "out.bias" in the layout of fc.weight"#;
        assert_eq!(error.to_string(), wanted);
    }
}
